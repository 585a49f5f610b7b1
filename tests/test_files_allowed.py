"""What a configuration from others may name: the list, and ways around it that fail."""

import keras
import pytest

from resnet_keras.errors import InputError
from resnet_keras.files.allowed import allowed, left_out, resolved

# The lists are of Keras 3.15.1. Whoever updates Keras and sees one of these fail: look
# at what the new class' constructor, from_config and call do with what a file gives
# them, then decide.
LEFT_OUT = """
    AWQConfig AssociativeScan Cond FlaxLayer ForiLoop GPTQConfig IntegerLookup JVP
    JaxLayer Lambda Map Scan StringLookup Switch TFSMLayer TextVectorization
    TorchModuleWrapper VectorizedMap WhileLoop __lambda__
"""
LAYERS = """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D
    AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
    AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D
    AvgPool2D AvgPool3D BatchNormalization Bidirectional CategoryEncoding CenterCrop
    Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose
    Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D
    Convolution1D Convolution1DTranspose Convolution2D Convolution2DTranspose
    Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D
    CustomScaleLayer CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot
    Dropout ELU EinsumDense Embedding Equalization Flatten Functional GRU GRUCell
    GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D
    GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention
    HashedCrossing Hashing Identity InputLayer LSTM LSTMCell Layer LayerNormalization
    LayerScale LeakyReLU Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D
    MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp
    MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization
    RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter
    RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip
    RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D
    SeparableConvolution1D SeparableConvolution2D Sequential SimpleRNN SimpleRNNCell
    Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D
    SpectralNormalization StackedRNNCells StochasticDepth Subtract TimeDistributed
    UnitNormalization UpSampling1D UpSampling2D UpSampling3D Wrapper ZeroPadding1D
    ZeroPadding2D ZeroPadding3D
"""
OPERATIONS = """
    Abs Absolute AdaptiveAveragePool AdaptiveMaxPool Add AffineTransform All AllClose
    Amax Amin Angle Any Append Arange Arccos Arccosh Arcsin Arcsinh Arctan Arctan2
    Arctanh Argmax Argmin Argpartition Argsort Array ArraySplit Average AveragePool
    BatchNorm BinaryCrossentropy Bincount BitwiseAnd BitwiseInvert BitwiseLeftShift
    BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor BroadcastTo CDist CTCDecode
    CTCLoss Cast CategoricalCrossentropy Cbrt Ceil Celu Cholesky CholeskyInverse Clip
    Concatenate Conj Conjugate Conv ConvTranspose ConvertToTensor Copy Corrcoef
    Correlate Cos Cosh CountNonzero CropImages Cross Cumprod Cumsum Deg2rad DepthToSpace
    DepthwiseConv Det Diag Diagflat Diagonal Diff Digitize Divide DivideNoNan Dot
    DotProductAttention Dsplit Dstack Eig Eigh Einsum ElasticTransform Elu EmptyLike
    Equal Erf Erfc Erfinv Exp Exp2 ExpandDims Expm1 ExtractPatches ExtractSequences FFT
    FFT2 Fabs Flip Fliplr Flipud Floor FloorDivide Fmax Fmin Fmod Fold Full FullLike
    GaussianBlur Gcd Gelu Geomspace GetItem Glu Greater GreaterEqual HSVToRGB HardShrink
    HardSigmoid HardSilu HardTanh Heaviside Histogram Hsplit Hstack Hypot I0 IFFT2 IRFFT
    ISTFT Imag InTopK Inner Inv IsIn Isclose Isfinite Isinf Isnan Isneginf Isposinf
    Isreal Kron LayerNorm Lcm Ldexp LeakyRelu LeftShift Less LessEqual Linspace Log
    Log10 Log1p Log2 LogSigmoid LogSoftmax Logaddexp Logaddexp2 Logdet LogicalAnd
    LogicalNot LogicalOr LogicalXor Logspace Logsumexp Lstsq LuFactor MapCoordinates
    Matmul MatrixRank Max MaxPool Maximum Mean Median Meshgrid Min Minimum Mish Mod
    Moments Moveaxis MultiHot Multiply NanToNum Nanargmax Nanargmin Nancumprod Nancumsum
    Nanmax Nanmean Nanmedian Nanmin Nanpercentile Nanprod Nanquantile Nanstd Nansum
    Nanvar Ndim Negative Nextafter Nonzero Norm Normalize NotEqual OneHot OnesLike Outer
    PSNR Pad PadImages Percentile PerspectiveTransform Pinv Polar Power Prod Ptp Qr
    Quantile RFFT RGBToGrayscale RGBToHSV RMSNorm Rad2deg Ravel ReLU Real Rearrange
    Reciprocal Relu Relu6 Repeat Reshape Resize RightShift Roll Rot90 Round Rsqrt SSIM
    STFT SVD SaturateCast ScaleAndTranslate Scatter ScatterUpdate SearchSorted
    SegmentMax SegmentMin SegmentProd SegmentReduction SegmentSum Select Selu
    SeparableConv Sigmoid Sign Signbit Silu Sin Sinc Sinh Size Slice SliceUpdate Slogdet
    SobelEdges SoftShrink Softmax Softplus Softsign Solve SolveTriangular Sort
    SpaceToDepth SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Split
    Sqrt Square Squareplus Squeeze Stack Std StopGradient Subtract Sum Swapaxes Take
    TakeAlongAxis Tan Tanh TanhShrink Tensordot Threshold Tile TopK Trace Transpose
    Trapezoid Tril Triu TrueDivide Trunc Unfold Unique UnravelIndex Unstack Vander Var
    Vdot View ViewAsComplex ViewAsReal Vsplit Vstack Where ZerosLike
"""
OBJECTS = """
    AWQDTypePolicy AbsMaxQuantizer Constant Constraint DTypePolicy DTypePolicyMap
    Float8QuantizationConfig FloatDTypePolicy GPTQDTypePolicy GlorotNormal GlorotUniform
    HeNormal HeUniform Identity IdentityInitializer Initializer Int4DTypePolicy
    Int4QuantizationConfig Int8QuantizationConfig L1 L1L2 L2 LecunNormal LecunUniform
    MaxNorm MinMaxNorm NonNeg Ones Orthogonal OrthogonalInitializer
    OrthogonalRegularizer QuantizationConfig QuantizedDTypePolicy
    QuantizedFloat8DTypePolicy Quantizer RandomNormal RandomUniform Regularizer STFT
    STFTInitializer SeedGenerator TruncatedNormal UnitNorm VarianceScaling Zeros
    constant glorot_normal glorot_uniform he_normal he_uniform identity l1 l1_l2 l2
    lecun_normal lecun_uniform max_norm min_max_norm non_neg ones orthogonal
    orthogonal_regularizer random_normal random_uniform stft truncated_normal unit_norm
    variance_scaling zeros
"""
FUNCTIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish
    hard_tanh leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid
    silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax
    squareplus swish tanh tanh_shrink threshold
"""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: left_out(), LEFT_OUT),
        (lambda: allowed()["layer"], LAYERS),
        (lambda: allowed()["operation"], OPERATIONS),
        (lambda: allowed()["object"], OBJECTS),
        (lambda: allowed()["function"], FUNCTIONS),
    ],
    ids=["left out", "layers", "operations", "objects", "functions"],
)
def test_what_the_rule_makes_of_this_keras(found, expected):
    assert sorted(found()) == sorted(expected.split())


def config_with(layer):
    """Return a chain that has one layer."""
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}


@pytest.mark.parametrize(
    "entry",
    [
        {"class_name": "Lambda", "module": "keras.layers", "config": {}},
        {"class_name": "Lambda", "config": {}},
        {"class_name": "TFSMLayer", "module": "keras.layers", "config": {}},
        {"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"class_name": "Map", "module": "keras.src.ops.core", "config": {}},
        {"class_name": "__lambda__", "config": {"value": "x"}},
        {"class_name": "get_file", "module": "keras.utils", "config": {}},
        {"class_name": "load_model", "module": "keras.saving", "config": {}},
        {"class_name": "deserialize", "config": {"config": {}}},
        {"class_name": "Popen", "module": "subprocess", "config": {}},
        {"class_name": "Dense", "module": "keras_evil.layers", "config": {}},
        {"class_name": "Dense", "module": "builtins.eval", "config": {}}
        | {"registered_name": "mine>Dense"},
        {"class_name": "function", "module": "keras.utils", "config": "get_file"},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "function", "module": "keras.activations", "config": "get"},
        {"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []},
        {"class_name": ["Dense"], "config": {}},
    ],
    ids=lambda entry: str(entry["class_name"]) + str(entry.get("module", "")),
)
@pytest.mark.parametrize("place", ["layer", "inner", "activation", "argument"])
def test_what_could_run_code_is_refused_wherever_it_stands(entry, place):
    dense = {"class_name": "Dense", "config": {"units": 2}}
    config = {
        "layer": entry,
        "inner": {"class_name": "TimeDistributed", "config": {"layer": entry}},
        "activation": {"class_name": "Dense", "config": {"activation": entry}},
        "argument": dense | {"inbound_nodes": [{"args": [entry], "kwargs": {}}]},
    }[place]
    with pytest.raises(InputError):
        resolved("a.h5", config_with(config))


def test_module_of_a_file_is_not_kept():
    dense = {"class_name": "Dense", "module": "keras.src.evil", "config": {}}
    found = resolved("a.h5", config_with(dense))["config"]["layers"][0]
    assert found["module"] == keras.layers.Dense.__module__


def test_operation_and_layer_of_one_name_are_told_apart():
    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"keras_history": ["a", 0, 0]},
    }
    called = {"class_name": "Add", "inbound_nodes": [{"args": [tensor, 3.0]}]}
    layer = called | {"config": {"name": "add", "trainable": True}}
    operation = called | {"config": {"name": "add"}}
    found = resolved("a.h5", config_with(operation))["config"]["layers"][0]
    assert found["module"] == "keras.src.ops.numpy"
    found = resolved("a.h5", config_with(layer))["config"]["layers"][0]
    assert found["module"] == "keras.src.layers.merging.add"


def test_custom_layer_is_called_one():
    layer = {"class_name": "Swish", "module": None, "registered_name": "Custom>Swish"}
    with pytest.raises(InputError, match="'Custom>Swish', a class that Keras does not"):
        resolved("a.h5", config_with(layer | {"config": {}}))


def test_call_without_a_tensor_is_refused():
    full = {"class_name": "Full", "module": "keras.src.ops.numpy", "config": {}}
    node = {"args": [[10**6, 10**6], 0.0], "kwargs": {}}  # 8 TB, computed at once
    with pytest.raises(InputError, match="called without the output of another"):
        resolved("a.h5", config_with(full | {"name": "f", "inbound_nodes": [node]}))


@pytest.mark.parametrize(
    "node",
    [
        {
            "note": {
                "class_name": "__keras_tensor__",
                "config": {"keras_history": ["a"]},
            }
        },
        {"kwargs": {"x": {"class_name": "__keras_tensor__", "config": {}}}},
    ],
)
def test_a_tensor_that_keras_does_not_read_is_none(node):
    full = {"class_name": "Full", "module": "keras.src.ops.numpy", "config": {}}
    node = {"args": [[10**6, 10**6], 0.0], "kwargs": {}} | node
    with pytest.raises(InputError, match="called without the output of another"):
        resolved("a.h5", config_with(full | {"name": "f", "inbound_nodes": [node]}))


def test_an_operation_with_very_many_outputs_is_refused():
    split = {
        "class_name": "Split",
        "module": "keras.src.ops.numpy",
        "config": {"indices_or_sections": 10**6},
    }
    with pytest.raises(InputError, match="indices_or_sections 1000000"):
        resolved("a.h5", config_with(split))


def test_constant_of_a_huge_type_is_refused():
    value = {
        "class_name": "__numpy__",
        "config": {"value": [1], "dtype": "S9999999999"},
    }
    with pytest.raises(InputError, match="numbers of type"):
        resolved("a.h5", {"class_name": "Rescaling", "config": {"scale": value}})


def test_settings_of_training_within_a_model_are_dropped():
    adam = {"class_name": "Adam", "module": "keras.optimizers", "config": {}}
    inner = config_with({"class_name": "Dense", "config": {}})
    inner["compile_config"] = {"optimizer": adam, "metrics": ["mine>F1"]}
    found = resolved("a.h5", config_with(inner))
    assert "compile_config" not in found["config"]["layers"][0]
