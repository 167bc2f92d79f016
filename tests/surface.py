"""The public surface: every name that the framework offers, by where it is found."""

SURFACE = {
    "framework": """
        float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 bool half float double short int long device Tensor Size Generator
        tensor as_tensor from_numpy from_dlpack get_default_dtype set_default_dtype manual_seed initial_seed seed no_grad enable_grad
        inference_mode set_grad_enabled is_grad_enabled is_tensor save load set_printoptions get_rng_state set_rng_state set_num_threads
        get_num_threads rand randperm relu concat swapaxes moveaxis index_copy bitwise_and bitwise_or bitwise_xor bitwise_not ravel
        result_type can_cast equal FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor
        abs acos acosh add addbmm addcdiv addcmul addmm addmv addr all allclose amax amin aminmax any argmax argmin argsort argwhere asin
        asinh atan atan2 atanh baddbmm bernoulli bincount bmm broadcast_to ceil cholesky chunk clamp clamp_max clamp_min clone copysign
        cos cosh count_nonzero cross cummax cummin cumprod cumsum deg2rad diag diag_embed diagflat diagonal diff dist div dot dsplit eq
        erf erfc erfinv exp exp2 expm1 flatten flip fliplr flipud floor floor_divide fmax fmin fmod frac gather ge gt heaviside hsplit
        hypot index_add index_fill index_put index_select inner isclose isfinite isinf isnan isneginf isposinf kron le lerp log log10
        log1p log2 log_softmax logaddexp logaddexp2 logdet logical_and logical_not logical_or logical_xor logit logsumexp lt masked_fill
        masked_select matmul max maximum mean median min minimum mm movedim msort mul multinomial mv nan_to_num nanmean nanmedian nansum
        narrow ne neg nonzero norm outer permute positive pow prod qr quantile rad2deg reciprocal remainder repeat_interleave reshape roll
        rot90 round rsqrt scatter scatter_add scatter_reduce select sigmoid sign sin sinc sinh softmax sort split split_with_sizes sqrt
        square squeeze std sub sum svd t take take_along_dim tan tanh tensor_split tile topk trace transpose tril triu true_divide trunc
        unbind unflatten unique unique_consecutive unsqueeze var vdot vsplit where xlogy arange atleast_1d atleast_2d atleast_3d
        broadcast_shapes broadcast_tensors cat cdist column_stack constant_pad_nd dstack einsum empty empty_like eye fill full full_like
        hstack isin linspace logspace meshgrid normal ones ones_like rand_like randint randint_like randn randn_like rsub stack std_mean
        tensordot tril_indices triu_indices var_mean vstack zeros zeros_like
    """.split(),
    "Tensor": """
        shape dtype device requires_grad grad grad_fn is_leaf data ndim T mT size dim numel element_size stride is_contiguous item tolist
        numpy cpu cuda to type_as detach detach_ requires_grad_ retain_grad register_hook backward clone copy_ share_memory_ __array__
        __dlpack__ __len__ __iter__ __getitem__ __setitem__ __radd__ __rand__ __rtruediv__ __rmatmul__ __rmod__ __rmul__ __ror__ __rpow__
        __rsub__ __rxor__ __and__ __or__ __xor__ __invert__ __lshift__ __rshift__ __rlshift__ __rrshift__ __iadd__ __isub__ __imul__
        __itruediv__ __ifloordiv__ __imod__ __ipow__ __iand__ __ior__ __ixor__ __ilshift__ __irshift__ contiguous expand expand_as
        new_empty new_full new_ones new_zeros new_tensor repeat reshape_as unfold view view_as bfloat16 bool byte char double float half
        int long short zero_ fill_ uniform_ normal_ bernoulli_ random_ exponential_ clamp_ masked_fill_ index_add_ scatter_ scatter_add_
        abs acos acosh add addbmm addcdiv addcmul addmm addmv addr all allclose amax amin aminmax any argmax argmin argsort argwhere asin
        asinh atan atan2 atanh baddbmm bernoulli bincount bmm broadcast_to ceil cholesky chunk clamp clamp_max clamp_min copysign cos cosh
        count_nonzero cross cummax cummin cumprod cumsum deg2rad diag diag_embed diagflat diagonal diff dist div dot dsplit eq erf erfc
        erfinv exp exp2 expm1 flatten flip fliplr flipud floor floor_divide fmax fmin fmod frac gather ge gt heaviside hsplit hypot
        index_add index_fill index_put index_select inner isclose isfinite isinf isnan isneginf isposinf kron le lerp log log10 log1p log2
        log_softmax logaddexp logaddexp2 logdet logical_and logical_not logical_or logical_xor logit logsumexp lt masked_fill
        masked_select matmul max maximum mean median min minimum mm movedim msort mul multinomial mv nan_to_num nanmean nanmedian nansum
        narrow ne neg nonzero norm outer permute positive pow prod qr quantile rad2deg reciprocal remainder repeat_interleave reshape roll
        rot90 round rsqrt scatter scatter_add scatter_reduce select sigmoid sign sin sinc sinh softmax sort split split_with_sizes sqrt
        square squeeze std sub sum svd t take take_along_dim tan tanh tensor_split tile topk trace transpose tril triu true_divide trunc
        unbind unflatten unique unique_consecutive unsqueeze var vdot vsplit where xlogy
    """.split(),
    "autograd": """
        grad backward Function functional gradcheck gradgradcheck
    """.split(),
    "autograd.functional": """
        jacobian hessian vjp jvp hvp vhp
    """.split(),
    "cuda": """
        is_available device_count current_device synchronize empty_cache memory_allocated max_memory_allocated manual_seed get_device_name
        device
    """.split(),
    "accelerator": """
        is_available current_accelerator device_count set_device_index
    """.split(),
    "backends": """
        cudnn cuda
    """.split(),
    "linalg": """
        cholesky cross det diagonal eigh inv matrix_norm matrix_power multi_dot norm qr solve svd vector_norm
    """.split(),
    "nn.functional": """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
        alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear binary_cross_entropy binary_cross_entropy_with_logits celu
        channel_shuffle conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity
        cross_entropy ctc_loss dropout dropout2d dropout3d elu embedding embedding_bag fractional_max_pool2d gaussian_nll_loss gelu glu
        group_norm hardshrink hardsigmoid hardswish hardtanh hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss
        layer_norm leaky_relu linear local_response_norm logsigmoid margin_ranking_loss max_pool1d max_pool2d max_pool3d max_unpool1d
        max_unpool2d max_unpool3d mish mse_loss multi_head_attention_forward multi_margin_loss multilabel_margin_loss
        multilabel_soft_margin_loss nll_loss normalize one_hot pad pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss
        prelu relu relu6 rms_norm rrelu scaled_dot_product_attention selu silu smooth_l1_loss soft_margin_loss softmin softplus softshrink
        softsign tanhshrink threshold triplet_margin_loss triplet_margin_with_distance_loss unfold upsample_bilinear upsample_nearest
    """.split(),
    "nn": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveLogSoftmaxWithLoss AdaptiveMaxPool1d AdaptiveMaxPool2d
        AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d BatchNorm3d
        Bilinear CELU CTCLoss ChannelShuffle CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d Conv1d
        Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss DataParallel
        Dropout Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag Flatten Fold FractionalMaxPool2d GELU GLU GRU GRUCell
        GaussianNLLLoss GroupNorm Hardshrink Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss HuberLoss Identity InstanceNorm1d
        InstanceNorm2d InstanceNorm3d KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d LSTM LSTMCell LayerNorm LeakyReLU Linear
        LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d
        MaxUnpool3d Mish ModuleDict ModuleList MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss MultiheadAttention NLLLoss
        PReLU PairwiseDistance ParameterDict ParameterList PixelShuffle PixelUnshuffle PoissonNLLLoss RMSNorm RNN RNNCell RReLU ReLU ReLU6
        ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d SELU Sequential SiLU Sigmoid
        SmoothL1Loss SoftMarginLoss Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold Transformer
        TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer TripletMarginLoss
        TripletMarginWithDistanceLoss Unflatten Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d ZeroPad3d
        Module Parameter
    """.split(),
    "nn.init": """
        calculate_gain uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_ kaiming_uniform_
        kaiming_normal_ orthogonal_ sparse_
    """.split(),
    "nn.parallel": """
        data_parallel DataParallel
    """.split(),
    "nn.utils": """
        clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters weight_norm spectral_norm rnn
    """.split(),
    "nn.utils.rnn": """
        pad_sequence pack_padded_sequence pad_packed_sequence pack_sequence PackedSequence
    """.split(),
    "optim": """
        SGD ASGD Adadelta Adagrad Adam AdamW Adamax Adafactor LBFGS Muon NAdam RAdam RMSprop Rprop SparseAdam Optimizer lr_scheduler
    """.split(),
    "optim.lr_scheduler": """
        StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR
        OneCycleLR LambdaLR MultiplicativeLR ReduceLROnPlateau ChainedScheduler SequentialLR
    """.split(),
    "utils.data": """
        Dataset TensorDataset ConcatDataset Subset random_split IterableDataset DataLoader RandomSampler SequentialSampler BatchSampler
        SubsetRandomSampler WeightedRandomSampler default_collate
    """.split(),
    "distributions": """
        Bernoulli Categorical Normal MultivariateNormal Independent kl_divergence
    """.split(),
}
