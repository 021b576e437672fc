package savedmodel

import "strings"

// A SavedModel is a program. These are the operations that one may be made of
// when nobody has said that it is trusted: they compute outputs from inputs and
// from the model's own variables. None of them reads or writes files, talks to
// the network, to other processes or to the terminal, starts Python, waits for
// others, shows memory that it did not fill, or ends the process. What is not
// listed is refused, whatever TensorFlow adds.
var computing = wordSet(
	// Inputs, constants, and what passes through.
	`Const Placeholder PlaceholderV2 PlaceholderWithDefault Identity IdentityN NoOp StopGradient PreventGradient
	Snapshot GuaranteeConst FakeParam EnsureShape ControlTrigger`,
	// The model's variables, of both versions of TensorFlow. VarHandleOp names
	// a variable of its own session: others cannot be reached.
	`VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp
	VariableShape ResourceGather ResourceGatherNd DisableCopyOnRead
	VariableV2 Variable IsVariableInitialized Assign AssignAdd AssignSub`,
	// Control flow: functions are checked like the graph. Of the older kind
	// conditions only, not loops.
	`PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Case StatelessCase MapDefun
	Switch Merge ToBool`,
	// Arithmetic by element.
	`Abs Acos Acosh Add AddN AddV2 Asin Asinh Atan Atan2 Atanh BesselI0 BesselI0e BesselI1 BesselI1e BitwiseAnd
	BitwiseOr BitwiseXor Cast Ceil ClipByValue Cos Cosh Digamma Div DivNoNan Elu Erf Erfc Erfinv Exp Expm1 Floor
	FloorDiv FloorMod Igamma Igammac Inv Invert LeakyRelu LeftShift Lgamma Log Log1p Maximum Minimum Mod Mul
	MulNoNan Ndtri Neg NextAfter Polygamma Pow RealDiv Reciprocal Relu Relu6 RightShift Rint Round Rsqrt Selu
	Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod
	Xdivy Xlog1py Xlogy Zeta`,
	`Complex ComplexAbs Conj Real Imag Angle Bitcast PopulationCount`,
	// Comparisons; an assertion ends a call, not the process.
	`Equal NotEqual Less LessEqual Greater GreaterEqual ApproximateEqual LogicalAnd LogicalOr LogicalNot IsFinite
	IsInf IsNan Select SelectV2 Where Assert CheckNumerics CheckNumericsV2`,
	// Sums, extremes, order.
	`All Any Sum Mean Prod Max Min EuclideanNorm ArgMax ArgMin AccumulateNV2 Cumsum Cumprod CumulativeLogsumexp
	L2Loss Softmax LogSoftmax TopK TopKV2 InTopK InTopKV2 NthElement Unique UniqueV2 UniqueWithCounts
	UniqueWithCountsV2 ListDiff SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum UnsortedSegmentMax
	UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Bincount DenseBincount Bucketize HistogramFixedWidth
	LowerBound UpperBound`,
	// Shapes, pieces, places.
	`Shape ShapeN Size Rank Reshape Squeeze ExpandDims Transpose ConjugateTranspose Concat ConcatV2 ConcatOffset
	Pack Unpack ParallelConcat Split SplitV Slice StridedSlice Gather GatherV2 GatherNd ScatterNd
	ScatterNdNonAliasingAdd TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
	TensorStridedSliceUpdate DynamicPartition DynamicStitch ParallelDynamicStitch Tile BroadcastTo BroadcastArgs
	BroadcastGradientArgs Fill ZerosLike OnesLike OneHot Range LinSpace Pad PadV2 MirrorPad Reverse ReverseV2
	ReverseSequence Roll InvertPermutation UnravelIndex Diag DiagPart MatrixBandPart MatrixDiag MatrixDiagV2
	MatrixDiagV3 MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3
	SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND SpaceToDepth DepthToSpace DataFormatDimMap
	DataFormatVecPermute SparseToDense`,
	// Linear algebra and Fourier transforms.
	`MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 SparseMatMul Einsum Cross Cholesky MatrixDeterminant
	LogMatrixDeterminant MatrixInverse MatrixSolve MatrixSolveLs MatrixTriangularSolve MatrixExponential
	MatrixSquareRoot Qr Svd SelfAdjointEigV2 FFT FFT2D FFT3D IFFT IFFT2D IFFT3D RFFT RFFT2D RFFT3D IRFFT IRFFT2D
	IRFFT3D`,
	// Convolutions, pools, norms.
	`Conv Conv2D Conv3D DepthwiseConv2dNative Conv2DBackpropInput Conv2DBackpropInputV2 Conv3DBackpropInput
	Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput BiasAdd BiasAddV1 Dilation2D FusedPadConv2D
	FusedResizeAndPadConv2D ExtractImagePatches ExtractVolumePatches AvgPool AvgPool3D MaxPool MaxPoolV2 MaxPool3D
	MaxPoolWithArgmax FractionalAvgPool FractionalMaxPool FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3
	BatchNormWithGlobalNormalization LRN FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
	FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3
	QuantizeAndDequantizeV4`,
	// Their gradients: Python writes them into the functions of some models.
	`AvgPoolGrad BiasAddGrad Conv2DBackpropFilter Conv2DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter EluGrad
	FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 InvGrad LeakyReluGrad MaxPoolGrad MaxPoolGradV2
	MirrorPadGrad ReciprocalGrad Relu6Grad ReluGrad ResizeBicubicGrad ResizeBilinearGrad ResizeNearestNeighborGrad
	RsqrtGrad ScaleAndTranslateGrad SeluGrad SigmoidGrad SoftplusGrad SoftsignGrad SqrtGrad StridedSliceGrad
	TanhGrad SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits`,
	// Pictures, also as files: their bytes come in, TensorFlow decodes them.
	`DecodeImage DecodePng DecodeJpeg DecodeAndCropJpeg DecodeBmp DecodeGif ExtractJpegShape EncodePng EncodeJpeg
	EncodeJpegVariableQuality ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
	CropAndResize ImageProjectiveTransformV2 ImageProjectiveTransformV3 AdjustContrastv2 AdjustHue AdjustSaturation
	RGBToHSV HSVToRGB DrawBoundingBoxes DrawBoundingBoxesV2 NonMaxSuppression NonMaxSuppressionV2
	NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps`,
	// Lists of tensors, of which loops are made; see boundLists.
	`EmptyTensorList TensorListReserve TensorListFromTensor TensorListStack TensorListGetItem TensorListSetItem
	TensorListPushBack TensorListPopBack TensorListLength TensorListElementShape TensorListGather
	TensorListConcatV2 TensorListSplit TensorListResize`,
	// Random numbers.
	`RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal RandomShuffle RandomGamma RandomPoissonV2
	Multinomial StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomUniformInt
	StatelessRandomUniformIntV2 StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomNormal
	StatelessRandomNormalV2 StatelessTruncatedNormal StatelessTruncatedNormalV2 StatelessMultinomial
	StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomGetAlg`,
)

// saving are the operations beyond those by which a model writes its
// variables. They are allowed there and nowhere else, and never loaded: nobody
// saves a model that was opened.
var saving = wordSet("SaveV2 MergeV2Checkpoints ShardedFilename StringJoin StaticRegexFullMatch")

// restoring reads variables from files. It is allowed where saver_def says that
// they are restored.
const restoring = "RestoreV2"

// wordSet is the set of words in texts.
func wordSet(texts ...string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		for _, word := range strings.Fields(text) {
			set[word] = true
		}
	}
	return set
}
