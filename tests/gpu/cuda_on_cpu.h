// CUDA C++ as a CPU's compiler takes it: the kernels' own source, run on the host, for tests where there is no GPU.
//
// Blocks are computed one after another, so what they share may be `static`.  A block's threads are computed one after another too, until
// one has to wait for others: then it stays on a stack of its own.  Every other block takes its threads from the last to the first, so that
// a barrier that is missing shows.  Threads of which some wait and others cannot come are an error.
#undef _FORTIFY_SOURCE  // it takes a jump to another stack for a mistake
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __restrict__

using std::abs;
using std::ceil;
using std::erf;
using std::exp;
using std::expm1;
using std::floor;
using std::fma;
using std::isinf;
using std::isnan;
using std::log;
using std::log1p;
using std::pow;
using std::sqrt;
using std::tanh;

inline unsigned __float_as_uint(float x) { unsigned bits; std::memcpy(&bits, &x, 4); return bits; }
inline float __uint_as_float(unsigned bits) { float x; std::memcpy(&x, &bits, 4); return x; }
// A float's 16 bits of a half, of two equally near the even one, and back; a subnormal half is a whole number of times 2^-24.
inline unsigned short bits_of_half(float x) {
    const unsigned sign = __float_as_uint(x) >> 16 & 0x8000;
    const float size = std::fabs(x);
    if (size != size) return sign | 0x7e00;
    if (size >= 65520.0f) return sign | 0x7c00;
    if (size < 0x1p-14f) return sign | (unsigned)std::nearbyint(size * 0x1p24f);
    const unsigned whole = __float_as_uint(size) - (112u << 23);
    return sign | (whole + 0xfff + (whole >> 13 & 1)) >> 13;
}
inline float value_of_half(unsigned short bits) {
    const unsigned exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float normal = __uint_as_float((exponent + 112) << 23 | fraction << 13), large = fraction ? NAN : INFINITY;
    const float size = exponent == 31 ? large : exponent ? normal : fraction * 0x1p-24f;
    return bits & 0x8000 ? -size : size;
}
template <class N> N min(N a, N b) { return b < a ? b : a; }
template <class N> N max(N a, N b) { return a < b ? b : a; }
inline float rsqrt(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }

struct dim3 { unsigned x, y, z; };
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace on_cpu {

enum State { RUNS, WAITS_FOR_WARP, WAITS_FOR_BLOCK, DONE };

struct Fiber {  // a stack; it takes thread after thread
    ucontext_t start;
    jmp_buf place;  // where it waits: to go on there asks nothing of the system, as `swapcontext` does twice
    bool begun = false;
    std::vector<char> stack;
    unsigned thread;
};

inline std::vector<Fiber*> fibers, idle;
inline std::vector<State> states;
inline std::vector<uint64_t> exchanged;  // what each thread shows its warp
inline jmp_buf scheduler;
inline Fiber* current;
inline unsigned next_thread, count;
inline bool backwards;
inline void (*body)(void*);
inline void* arguments;

inline void take_place(unsigned thread) {
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / blockDim.x / blockDim.y};
}

inline void leave(Fiber* me) {
    if (!_setjmp(me->place)) _longjmp(scheduler, 1);
}

inline void work() {
    for (;;) {
        while (next_thread < count) {
            const unsigned thread = current->thread = backwards ? count - 1 - next_thread : next_thread;
            next_thread++;
            take_place(thread);
            body(arguments);
            states[thread] = DONE;
        }
        Fiber* me = current;
        idle.push_back(me);
        leave(me);
    }
}

inline void wait(State what) {
    Fiber* me = current;
    states[me->thread] = what;
    leave(me);
}

inline Fiber* fresh() {
    if (!idle.empty()) {
        Fiber* fiber = idle.back();
        idle.pop_back();
        return fiber;
    }
    Fiber* fiber = new Fiber;
    fiber->stack.resize(1 << 16);
    getcontext(&fiber->start);
    fiber->start.uc_stack.ss_sp = fiber->stack.data();
    fiber->start.uc_stack.ss_size = fiber->stack.size();
    fiber->start.uc_link = nullptr;
    makecontext(&fiber->start, work, 0);
    return fiber;
}

inline void resume(Fiber* fiber, std::vector<Fiber*>& waiting) {
    current = fiber;
    if (!_setjmp(scheduler)) {
        if (fiber->begun) _longjmp(fiber->place, 1);
        fiber->begun = true;
        setcontext(&fiber->start);
    }
    if (idle.empty() || idle.back() != fiber) waiting.push_back(fiber);
}

// All threads of one block; false if some wait for threads that will not come.
inline bool block() {
    std::vector<Fiber*> waiting, still;
    states.assign(count, RUNS);
    exchanged.assign(count, 0);
    next_thread = 0;
    backwards = !backwards;
    while (next_thread < count) resume(fresh(), waiting);
    while (!waiting.empty()) {
        bool all_at_block = true;
        for (State each : states) all_at_block &= each == WAITS_FOR_BLOCK || each == DONE;
        std::vector<bool> free(count, all_at_block);
        bool any = all_at_block;
        for (unsigned warp = 0; warp < count; warp += 32) {
            bool together = true;  // a warp's instruction names all 32: none may have ended
            for (unsigned i = warp; i < warp + 32 && i < count; i++) together &= states[i] == WAITS_FOR_WARP;
            for (unsigned i = warp; together && i < warp + 32 && i < count; i++) free[i] = any = true;
        }
        if (!any) return false;
        still.swap(waiting);
        waiting.clear();
        for (Fiber* each : still) {
            if (!free[each->thread]) { waiting.push_back(each); continue; }
            states[each->thread] = RUNS;
            take_place(each->thread);
            resume(each, waiting);
        }
        still.clear();
    }
    return true;
}

template <class... A> struct Launch {
    void (*kernel)(A...);
    void** args;
    template <size_t... I> void call(std::index_sequence<I...>) { kernel(*static_cast<std::remove_const_t<A>*>(args[I])...); }
    static void run(void* self) { static_cast<Launch*>(self)->call(std::index_sequence_for<A...>()); }
};

template <class... A> const char* launch(void (*kernel)(A...), const unsigned* sizes, void** args) {
    Launch<A...> all{kernel, args};
    body = Launch<A...>::run;
    arguments = &all;
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    count = sizes[3] * sizes[4] * sizes[5];
    for (unsigned z = 0; z < gridDim.z; z++)
        for (unsigned y = 0; y < gridDim.y; y++)
            for (unsigned x = 0; x < gridDim.x; x++) {
                blockIdx = {x, y, z};
                if (!block()) return "threads of a block wait for threads that do not come";
            }
    return nullptr;
}

// A parameter as text: * for a pointer; f, i or s (a struct) and its size.
template <class N> char letter() { return std::is_floating_point_v<N> ? 'f' : std::is_integral_v<N> ? 'i' : 's'; }
template <class N> void describe(char*& to) {
    using Pointed = std::remove_const_t<std::remove_pointer_t<N>>;
    if (std::is_pointer_v<N>) *to++ = '*';
    *to++ = letter<Pointed>();
    to += snprintf(to, 8, "%d ", (int)sizeof(Pointed));
}
template <class... A> void parameters(void (*)(A...), char* to) { (describe<A>(to), ...); *to = 0; }

}  // namespace on_cpu

inline void __syncthreads() { on_cpu::wait(on_cpu::WAITS_FOR_BLOCK); }
template <class N> N __shfl_xor_sync(unsigned, N value, int apart) {
    const unsigned me = on_cpu::current->thread;
    std::memcpy(&on_cpu::exchanged[me], &value, sizeof value);
    on_cpu::wait(on_cpu::WAITS_FOR_WARP);
    N other;
    std::memcpy(&other, &on_cpu::exchanged[me ^ apart], sizeof other);
    on_cpu::wait(on_cpu::WAITS_FOR_WARP);
    return other;
}
template <class N> N atomicAdd(N* place, N value) { const N before = *place; *place += value; return before; }
