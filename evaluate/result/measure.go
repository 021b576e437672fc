package result

// Metrics, by the names that files use.
const (
	L1           = "l1"            // mean |a-b| over pixels and channels, pictures in [0, 1]
	PSNR         = "psnr"          // 10 log10(1/MSE) in dB
	SSIM         = "ssim"          // structural similarity, at most 1
	AKD          = "akd"           // mean |dx|, |dy| of keypoints, in pixels
	MKR          = "mkr"           // share of the real frame's keypoints that the generated one lacks
	AED          = "aed"           // squared distance of identity embeddings, as the public code computes it
	AEDEuclidean = "aed_euclidean" // Euclidean distance of identity embeddings
)

// Regions of a picture.
const (
	All        = "all"
	Salient    = "salient"
	NonSalient = "non_salient"
)

// Kinds of data: they decide which columns a table of the paper has.
const (
	Faces  = "faces"  // no MKR: frames without a detection are left out of AKD
	Bodies = "bodies" // joints may be missing singly
	Other  = "other"  // L1, PSNR and SSIM alone
)

// Kinds of what is evaluated.
const (
	Checkpoint  = "checkpoint"
	SavedModel  = "saved_model"
	Predictions = "predictions"
)

// Measure is a column of results: a metric over a region.
type Measure struct{ Metric, Region string }

// Measures lists every column in the order of files and tables.
func Measures() []Measure {
	return []Measure{
		{L1, All},
		{PSNR, All}, {PSNR, Salient}, {PSNR, NonSalient},
		{SSIM, All}, {SSIM, Salient}, {SSIM, NonSalient},
		{AKD, All}, {MKR, All}, {AED, All}, {AEDEuclidean, All},
	}
}

// Higher reports whether larger values are better.
func (m Measure) Higher() bool { return m.Metric == PSNR || m.Metric == SSIM }

// String is the metric's name, and the region's unless it is the whole
// picture: "psnr", "psnr salient".
func (m Measure) String() string {
	if m.Region == All {
		return m.Metric
	}
	return m.Metric + " " + m.Region
}
