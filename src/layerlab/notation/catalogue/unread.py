"""Layers that Keras has and that are not read, so that the error can say so."""

__all__ = ["UNREAD"]

UNREAD = frozenset(
    "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D"
    " AdaptiveMaxPooling2D AdaptiveMaxPooling3D AdditiveAttention Attention AugMix AutoContrast CategoryEncoding"
    " CenterCrop Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping3D CutMix Discretization Dot EinsumDense"
    " Equalization GRUCell GroupQueryAttention HashedCrossing Hashing IntegerLookup LSTMCell Lambda Masking"
    " MelSpectrogram MixUp MultiHeadAttention Normalization Pipeline RMSNormalization RNN RandAugment"
    " RandomBrightness RandomColorJitter RandomContrast RandomCrop RandomErasing RandomFlip RandomGaussianBlur"
    " RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation"
    " RandomSharpness RandomShear RandomTranslation RandomZoom Resizing SeparableConv1D SimpleRNNCell Solarization"
    " SpectralNormalization StackedRNNCells StringLookup TextVectorization UnitNormalization".split()
)
