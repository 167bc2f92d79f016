"""The semantics of numbers: types that meet, wrap round, do not fit or are refused; expression by expression, as PyTorch has them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import framework

EXPRESSIONS = """
i//0 ;  i%0 ;  T.fmod(i,0) ;  i**-1 ;  i**T.tensor(-1) ;  2**i ;  T.pow(2,i) ;  (-1)**i ;  i**2.0 ;  i8**2 ;  u**300 ;  u-300
u+300 ;  u*-1 ;  u+(-1) ;  u<-1 ;  u==-1 ;  u>-1 ;  u==300 ;  i8==200 ;  T.clamp(u,-1,300) ;  T.clamp(u,-1) ;  T.clamp(u,1.5)
T.clamp(i,0.5) ;  T.clamp(b,0,1) ;  T.clamp(b,True) ;  T.clamp(i) ;  u+2**70 ;  i+2**70 ;  i+2**63 ;  T.add(i,2**63) ;  i==2**63
b-1 ;  b-b ;  i-b ;  f-b ;  b-f ;  f-True ;  1-b ;  True-f ;  -b ;  +b ;  abs(b) ;  ~f ;  f&f ;  i&1.5 ;  f&1 ;  b&1 ;  b&True
b^b ;  b*b ;  b+b ;  b/b ;  b//b ;  b%b ;  b**b ;  b**2 ;  b%2 ;  b//2 ;  T.fmod(b,2) ;  b<<1 ;  b<<b ;  i<<1 ;  i>>1 ;  f<<1
f<<2 ;  f>>1 ;  1<<i ;  1>>i ;  u<<9 ;  i<<64 ;  i>>64 ;  i<<-1 ;  i>>-1 ;  1.5<<i ;  i<<1.5 ;  T.bitwise_left_shift(f,1)
T.abs(i8) ;  -u ;  T.abs(T.tensor([-2**63])) ;  T.sign(b) ;  T.sign(u) ;  T.square(b) ;  T.square(i8) ;  T.round(i)
T.round(i,decimals=1) ;  T.round(f,decimals=-1) ;  T.round(T.tensor([2.5,0.125,-0.5,1e30]),decimals=2) ;  T.round(h,decimals=1)
T.floor(b) ;  T.reciprocal(i) ;  T.rsqrt(b) ;  T.heaviside(i,T.tensor(1)) ;  T.heaviside(f,i[:1]) ;  T.heaviside(b,b)
T.heaviside(f,1.0) ;  T.where(b,1,2) ;  T.where(b,1.5,2) ;  T.where(b,1,i[:2]) ;  T.where(b,u,i[:2]) ;  T.where(b,f,1)
T.where(b,h,1.5) ;  T.where(b,h,T.tensor(1.5)) ;  T.where(u,f,f) ;  T.where(i,i,i) ;  T.where(b) ;  T.where(T.tensor(True))
T.where(b,True,1) ;  T.where(b,f,f.double()) ;  T.maximum(b,b) ;  T.maximum(f,T.tensor([nan,1])) ;  T.fmax(f,T.tensor([nan,1]))
T.fmax(b,b) ;  T.fmax(i,i) ;  T.hypot(i,i) ;  T.hypot(b,b) ;  T.copysign(i,-1) ;  T.copysign(i,-0.0) ;  T.copysign(b,b)
T.copysign(f,T.tensor(-0.0)) ;  T.logaddexp(i,i) ;  T.logaddexp(f,i[:2]) ;  T.logaddexp2(i,i) ;  T.xlogy(i,i) ;  T.xlogy(i,2)
T.xlogy(2,i) ;  T.xlogy(2.,f) ;  T.xlogy(0,T.tensor([nan,0.])) ;  T.atan2(i,i) ;  T.atan2(b,b) ;  T.lerp(i,i,0.5)
T.lerp(f,f,i[:2]) ;  T.lerp(f,f.double(),0.5) ;  T.lerp(f,f,1) ;  T.lerp(f,f,T.tensor(0.5,dtype=T.float64))
T.addcmul(i,i,i,value=2) ;  T.addcmul(f,i[:2],i[:2]) ;  T.addcmul(f,f,f.double()) ;  T.addcmul(b,b,b) ;  T.addcdiv(i,i,i)
T.addcdiv(f,i[:2],f) ;  T.sinc(i) ;  T.logit(i) ;  T.logit(T.tensor([0.,1,.5,2,-1])) ;  T.logit(T.tensor([0.,1,.5,2,-1]),0.1)
T.logit(T.tensor([0.,1,.5,2,-1]),eps=-1) ;  T.logit(T.tensor([0.,1,.5,2,-1]),eps=.7) ;  T.nan_to_num(i)
T.nan_to_num(T.tensor([nan,inf,-inf])) ;  T.nan_to_num(T.tensor([nan,inf,-inf]).half())
T.nan_to_num(T.tensor([nan,inf,-inf]).half(),1,2,3) ;  T.nan_to_num(T.tensor([nan,inf,-inf]).half(),posinf=1e9) ;  T.nan_to_num(b)
T.deg2rad(i) ;  T.rad2deg(b) ;  T.frac(f) ;  T.frac(i) ;  T.frac(b) ;  T.isneginf(i) ;  T.isneginf(f) ;  T.isposinf(b)
T.isclose(f,f) ;  T.isclose(i,i) ;  T.isclose(i,f[:1]) ;  T.isclose(b,b) ;  T.isclose(f,f.double())
T.isclose(T.tensor([inf,-inf,nan]),T.tensor([inf,inf,nan]))
T.isclose(T.tensor([inf,-inf,nan]),T.tensor([inf,inf,nan]),equal_nan=True) ;  T.isclose(f,f,rtol=-1) ;  T.isclose(i,i,rtol=.1)
T.isclose(T.tensor([1e30,inf]),T.tensor([inf,1e30])) ;  T.allclose(f,f) ;  T.allclose(f,1.5) ;  T.allclose(f,f.double())
T.rsub(f,2) ;  T.rsub(f,f,alpha=2) ;  T.rsub(f,2,alpha=3) ;  T.rsub(i,2.5) ;  T.rsub(b,1) ;  T.rsub(i,i,alpha=1.5)
T.clamp_min(f,0) ;  T.clamp_min(f,f) ;  T.clamp_min(i,0.5) ;  T.clamp_max(f,T.tensor(0.)) ;  T.clamp_max(b,1)
T.clamp(f,T.tensor(0.),1) ;  T.clamp(f,T.tensor(0.),T.tensor([1.,2])) ;  T.clamp(f,2,1) ;  T.clamp(f,nan,1) ;  T.clamp(f,0,nan)
T.clamp(T.tensor([nan,1.]),0,1) ;  T.clamp(f,T.tensor(nan),T.tensor(1.)) ;  T.clamp(i,T.tensor(0.5))
T.clamp(h,T.tensor([1.5,2],dtype=T.float64)) ;  T.fill(f,3) ;  T.fill(i,3.7) ;  T.fill(f,T.tensor(2)) ;  T.fill(f,T.tensor([2.]))
T.fill(b,3) ;  T.add(i,i,alpha=1.5) ;  T.add(f,f,alpha=1.5) ;  T.add(f,i[:2],alpha=2) ;  T.add(i,f[:1],alpha=1.5)
T.add(b,b,alpha=2) ;  T.add(b,b,alpha=True) ;  T.add(i,i,alpha=True) ;  T.add(f,f,alpha=True) ;  T.add(f,2,alpha=3)
T.sub(i,2,alpha=1.5) ;  T.sub(f,b) ;  T.div(i,2,rounding_mode='trunc') ;  T.div(i,0,rounding_mode='trunc')
T.div(f,0,rounding_mode='floor') ;  T.div(T.tensor([-7,7]),2,rounding_mode='trunc')
T.div(T.tensor([-7,7]),2.,rounding_mode='trunc') ;  T.div(f,0,rounding_mode='x') ;  T.tensor([5.,-5,inf,1,-1,nan])//0
T.tensor([5.,-5,inf,1,-1])//inf ;  T.tensor([5.,-5,inf,1,-1])%inf ;  T.tensor([5.,-5,inf,1,-1])%-inf
T.tensor([5.,-5,inf,1,-1])%0 ;  T.fmod(T.tensor([5.,-5,inf,1,-1]),inf) ;  T.tensor([-7,7])//T.tensor([2,-2])
T.tensor([-7,7])%T.tensor([2,-2]) ;  T.fmod(T.tensor([-7,7]),T.tensor([2,-2])) ;  T.tensor([-128],dtype=T.int8)//-1
T.tensor([-128],dtype=T.int8)%-1 ;  T.tensor(2**53 + 1)==float(2**53) ;  T.tensor([2**53+1])==T.tensor([float(2**53)])
T.tensor([2**24+1],dtype=T.int32)==T.tensor([float(2**24)]) ;  T.tensor([0.1])==0.1
T.tensor([0.1])==T.tensor(0.1,dtype=T.float64) ;  T.tensor([0.1]).half()==0.1 ;  T.tensor([1])==1.5 ;  T.tensor([1])<1.5
i.eq('a') ;  i=='a' ;  i==None ;  i!=None ;  i<None ;  i+'a' ;  T.exp(i) ;  T.erfinv(T.tensor([1.,-1,2,0,.5]))
T.result_type(i,1.5) ;  T.result_type(1,2.) ;  T.result_type(b,1) ;  T.result_type(T.tensor(1.),i) ;  T.can_cast(T.float,T.int)
T.can_cast(T.int,T.bool) ;  T.equal(f,f.double()) ;  T.equal(f,i) ;  T.equal(T.tensor([nan]),T.tensor([nan]))
T.equal(T.tensor([1,2]),T.tensor([1.,2])) ;  T.is_floating_point(i) ;  T.positive(f) ;  T.logical_and(f,b) ;  T.logical_not(f)
T.bitwise_and(1,i) ;  T.bitwise_not(u) ;  T.bitwise_not(f) ;  T.trunc(f) ;  T.exp2(i) ;  T.expm1(b) ;  T.sigmoid(i)
T.tensor([2.])**T.tensor([3]) ;  T.tensor(2.)**T.tensor([3]) ;  T.tensor([2],dtype=T.int32)**T.tensor(3) ;  T.pow(i,i)
T.pow(T.tensor([2]),T.tensor([-1])) ;  T.pow(T.tensor([2]),T.tensor([-1.])) ;  T.pow(2.5,i) ;  T.pow(b,2) ;  T.pow(True,b)
T.pow(2,b) ;  T.tensor([-8.])**(1/3) ;  T.tensor([0.])**-1 ;  T.clamp(u,300) ;  T.clamp_max(u,300) ;  T.clamp(u,-1,1)
T.clamp(u,-300,1) ;  T.clamp(i8,-1,200) ;  u**-1 ;  u**255 ;  u**256 ;  T.fill(u,300) ;  T.fill(u,-1) ;  T.fill(i8,200)
u.fill_(300) ;  h%0.1 ;  h//0.1 ;  T.fmod(h,0.1) ;  h*0.1 ;  h.bfloat16()+0.1 ;  h.bfloat16()>0.1 ;  T.tensor([0.1]).half()>=0.1
T.tensor([0.1]).bfloat16()==0.1 ;  T.tensor([1000.]).half()%0.1 ;  T.fmod(T.tensor([1000.]).half(),0.1)
T.tensor([7.]).half()**0.1 ;  T.tensor([3.]).half()/0.1 ;  T.tensor([3.]).half()+0.1 ;  T.tensor([3.]).half()-0.1
T.tensor([3.])%T.tensor(0.1,dtype=T.float64) ;  u.add_(1.5) ;  u.add_(300) ;  b.add_(1) ;  i.div_(2) ;  i.pow_(2.)
i.clamp_(0.5) ;  b.logical_not_() ;  f.eq_(1) ;  f.logical_and_(b) ;  i.float().bitwise_and_(1)
T.heaviside(T.tensor([nan,0.]),T.tensor([5.,nan])) ;  T.tensor(1).where(T.tensor(True),T.tensor(0)) ;  f.where(b,0)
f.where(b,T.tensor(0.,dtype=T.float64)) ;  i<<T.tensor([1.5,1,1]) ;  b|1 ;  f.lerp(f,0.5) ;  T.add(u,u,alpha=300)
T.add(u,u,alpha=-1) ;  T.addcmul(u,u,u,value=300) ;  f.__rsub__(2) ;  f.__rdiv__(2) ;  f.__rtruediv__(2) ;  f.__rmod__(2)
i.__rlshift__(2) ;  T.bitwise_and(True,b) ;  T.logical_xor(i,f[:1]) ;  T.nan_to_num(f.bfloat16(),posinf=2)
T.nan_to_num(T.tensor([inf]).bfloat16()) ;  T.maximum(i,f[:1]) ;  T.fmin(u,i[:2]) ;  T.hypot(f,i[:2]) ;  T.logaddexp(i[:2],f)
T.lerp(f,f,b) ;  T.tensor([1.5]).fill_(T.tensor([[2.]])) ;  T.sub(b,b,alpha=2) ;  T.floor_divide(1,f) ;  T.true_divide(i,i)
T.remainder(7,i8) ;  T.remainder(7.5,i8) ;  T.pow(i8,T.tensor([-1,-2]))
T.tensor([2,1,-1,0,-3],dtype=T.int8)**T.tensor([-1,-2,-3,-1,-2],dtype=T.int8) ;  T.atan2(i,f[:1]) ;  T.sub(1,f) ;  T.mul(2,f)
T.add(2,f) ;  T.div(2,f) ;  T.promote_types(T.uint8,T.int8) ;  T.add(f,'a') ;  T.add(f,None) ;  f+[1,2] ;  f+np.float64(1)
i+np.float64(1) ;  i+np.int32(1) ;  u+np.int64(300) ;  np.float64(2)*f ;  np.float32(2)*i
T.tensor([300],dtype=T.uint8) ;  T.tensor([-1],dtype=T.uint8) ;  T.tensor(2**40,dtype=T.int32) ;  T.tensor(nan,dtype=T.int64)
T.tensor([1e10],dtype=T.int32) ;  T.tensor([300]).to(T.uint8) ;  T.cat([i,f]) ;  T.cat([u,b])
T.cat([h,T.tensor([1.]).bfloat16()]) ;  T.stack([i[:2],f]) ;  T.add(T.tensor(1,dtype=T.int8),200)
T.tensor(1,dtype=T.int8)+T.tensor(200) ;  T.tensor([1.],dtype=T.float16)+T.tensor(70000.) ;  T.tensor([1.],dtype=T.float16)*70000
T.tensor([1],dtype=T.int8)*1.5 ;  T.tensor(1.)+T.tensor([1]) ;  f.sub_(b) ;  f.add_(f.double())
f.add_(T.tensor([[1.,2.],[3.,4.]])) ;  f.__ipow__(2) ;  i.__ilshift__(1) ;  i.bitwise_left_shift_(1) ;  b.__ixor__(i[:2])
i.remainder_(2) ;  i.fmod_(0) ;  f.clamp_(T.tensor([0.,1.],dtype=T.float64)) ;  f.logit_(0.1) ;  f.heaviside_(f)
f.copysign_(-1) ;  f.addcmul_(f,f,value=2) ;  f.div_(2,rounding_mode='floor') ;  f.gt_(1) ;  b.logsumexp(0) ;  h.var()
(h*30000).sum() ;  u/1000 ;  1000/u ;  u/-1 ;  u/T.tensor(-5) ;  T.tensor(300)/u ;  i8/200 ;  200/i8 ;  b/2 ;  u/1.5
T.tensor([1,-32768],dtype=T.int16)/32768 ;  T.true_divide(u,1000) ;  T.atan2(u,T.tensor(-1000)) ;  T.xlogy(u,1000) ;  T.xlogy(1000,u)
T.copysign(u,-1000) ;  T.copysign(u,T.tensor(-5)) ;  i8/T.tensor(2.,dtype=T.float16) ;  T.tensor(5)/h
300**u ;  T.pow(300,u) ;  (-300)**i8 ;  T.fill(i,nan) ;  T.fill(u,-.5) ;  T.fill(u,255.5) ;  T.fill(f,1e40) ;  T.fill(f,-inf)
T.fill(h,1e5) ;  T.fill(b,nan) ;  i.fill_(inf) ;  i.int().fill_(1e10) ;  f.fill_(nan) ;  i.masked_fill(i>0,nan) ;  u.masked_fill(u>5,-1)
u.masked_fill(u>5,-1.) ;  u.masked_fill(u>5,2.7) ;  f.masked_fill(f>0,-1e40) ;  h.masked_fill(h>0,65519.) ;  h.masked_fill(h>0,-inf)
i.index_fill(0,T.tensor([0]),nan) ;  T.nn.functional.pad(u,(1,1),value=300) ;  T.nn.functional.pad(u,(1,1),value=-1)
T.nn.functional.pad(i,(1,1),value=nan) ;  T.nn.functional.pad(i,(1,1),value=1.5) ;  T.nn.functional.pad(f,(1,1),value=-inf)
u.scatter(0,T.tensor([0]),300) ;  f.scatter(0,T.tensor([0]),1e40) ;  T.tensor([-.5],dtype=T.uint8) ;  T.full((2,),-1.,dtype=T.uint8)
i.__setitem__(i>0,nan) ;  u.__setitem__(0,-.5) ;  T.zeros() ;  T.rand() ;  T.ones(size=()) ;  T.zeros(())
"""


def names(T):
    """What the expressions speak of."""
    f = T.tensor([1.5, -2.5])
    integers = {"i": T.tensor([1, -2, 0]), "u": T.tensor([1, 200], dtype=T.uint8), "i8": T.tensor([-128, 100], dtype=T.int8)}
    return {"T": T, "np": np, "inf": math.inf, "nan": math.nan, "b": T.tensor([True, False]), "f": f, "h": f.half(), **integers}


def evaluate(expression, T):
    try:
        result = eval(expression, names(T))
    except Exception as error:
        return error
    if isinstance(result, tuple):
        (result,) = result
    return (str(result.dtype).partition(".")[2], np.array(result.tolist())) if isinstance(result, T.Tensor) else str(result).split(".")[-1]


@pytest.mark.parity
@pytest.mark.parametrize("expression", [each.strip() for each in EXPRESSIONS.replace("\n", ";").split(";") if each.strip()])
@pytest.mark.filterwarnings("ignore")
def test_expressions(expression):
    torch = pytest.importorskip("torch")
    ours, theirs = (evaluate(expression, T) for T in (framework, torch))
    if isinstance(theirs, Exception):
        assert isinstance(ours, type(theirs)), theirs
    elif isinstance(theirs, str):
        assert ours == theirs
    else:
        assert not isinstance(ours, Exception), ours
        assert ours[0] == theirs[0]
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-6)


REFUSED = {
    "i + 1j": NotImplementedError, "f * 1j": NotImplementedError, "f == 1j": NotImplementedError, "T.fill(i, 1j)": NotImplementedError,
    "T.add(f, [1.0, 2.0])": TypeError, "T.addcmul(i, i, i, value=1.5)": RuntimeError, "T.where(b, f)": TypeError,
    "T.isclose(f, f, atol=-1)": RuntimeError, "T.tensor([1j])": NotImplementedError, "T.add(f, f, out=f)": NotImplementedError,
    "T.lerp(f, f, T.tensor([1, 2]))": RuntimeError, "T.heaviside(f, 1.0)": TypeError, "i.exp_()": RuntimeError,
    "i.__itruediv__(2)": RuntimeError, "u.fill_(300)": RuntimeError, "f.fill_(f)": RuntimeError,
}  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED)
def test_refused(expression):
    with pytest.raises(REFUSED[expression]):
        eval(expression, names(framework))


def test_messages():
    """The errors that users meet most say what to do, or what is wrong, in PyTorch's words."""
    mask, counts = framework.tensor([True, False]), framework.tensor([1, 0])
    for message, expression in {
        "with a bool tensor is not supported": lambda: mask - mask,
        "ZeroDivisionError": lambda: counts // counts,
        "Integers to negative integer powers": lambda: counts**-1,
        "without overflow": lambda: framework.clamp(counts.byte(), 0, 300),
        "result type float32 can't be cast to the desired output type int64": lambda: counts.div_(2),
        "argument alpha or value must not be a floating point number": lambda: framework.add(counts, counts, alpha=0.5),
        "expected condition to be a boolean tensor": lambda: framework.where(counts, 1, 2),
        "\"bitwise_and\" not implemented for 'float32'": lambda: counts & 1.5,
        "rtol and atol must be greater than or equal to zero": lambda: framework.isclose(counts, counts, rtol=-1),
        "complex numbers are not supported": lambda: counts * 1j,
    }.items():
        with pytest.raises(RuntimeError, match=message):
            expression()


TYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
SHAPES = arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)
OF_TWO = (
    "add sub mul true_divide floor_divide remainder fmod pow maximum fmin eq lt logical_xor bitwise_and bitwise_left_shift where atan2 "
    "copysign xlogy hypot logaddexp heaviside isclose"
)


def operands(data, T):
    """Two tensors of any types, of shapes that broadcast."""
    shapes, types, values = data
    random = np.random.default_rng(values)
    return [T.tensor(random.integers(0, 4, shape)).to(getattr(T, name)) for shape, name in zip(shapes, types, strict=True)]


def apply(name, T, a, b):
    name = {"mul": "multiply", "lt": "less"}.get(name, name) if T is np else name
    return T.where((a > 1), a, b) if name == "where" else getattr(T, name)(a, b)


DATA = st.tuples(SHAPES.map(lambda each: each.input_shapes), st.tuples(*[st.sampled_from(TYPES)] * 2), st.integers(0, 99))


@pytest.mark.parametrize("name", ["add", "mul", "maximum", "lt", "logical_xor", "where"])
@settings(deadline=None)
@given(DATA)
def test_broadcasting(name, data):
    a, b = operands(data, framework)
    expected = apply(name, np, a.double().numpy(), b.double().numpy())
    if "bool" not in data[1]:  # sums of bools are bools
        np.testing.assert_array_equal(apply(name, framework, a, b).double().numpy(), expected)
    assert tuple(apply(name, framework, a, b).shape) == expected.shape


@pytest.mark.parity
@pytest.mark.parametrize("name", OF_TWO.split())
@settings(deadline=None)
@given(DATA)
def test_broadcasting_and_promotion(name, data):
    torch = pytest.importorskip("torch")
    results = []
    for T in (framework, torch):
        try:
            results.append(apply(name, T, *operands(data, T)))
        except (RuntimeError, TypeError) as error:
            results.append(error)
    ours, theirs = results
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        assert isinstance(ours, type(theirs)), results
    else:
        assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
        np.testing.assert_allclose(ours.double().numpy(), theirs.double().numpy(), rtol=1e-2, atol=1e-3)


def test_functions_of_types():
    T, x = framework, framework.ones(2)
    assert T.result_type(x, T.ones(2, dtype=T.float64)) is T.float64
    assert T.result_type(x.half(), 1.5) is T.float16 and T.result_type(T.tensor(1), True) is T.int64
    assert T.can_cast(T.int8, T.float16) and not T.can_cast(T.float32, T.int64)
    assert T.is_floating_point(x) and not T.is_floating_point(x.int())
    assert T.equal(x, x.clone()) is True and T.equal(x, T.ones(3)) is False and x.equal(x * 2) is False
    assert T.allclose(x, x + 1e-9) is True and x.allclose(x + 1) is False
    assert not T.allclose(x * math.nan, x * math.nan) and T.allclose(x * math.nan, x * math.nan, equal_nan=True)
