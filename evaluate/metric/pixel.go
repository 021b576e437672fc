package metric

import "math"

// Pixel are the metrics that look at each pixel alone.
type Pixel struct {
	// L1 is the mean absolute difference over pixels and channels.
	L1 float64
	// PSNR is 10 log10(1/MSE) in dB, infinite for equal pictures. Salient and
	// NonSalient are those of the pixels where the mask is not 0 and is 0, with
	// the others equal; NaN without a mask.
	PSNR, PSNRSalient, PSNRNonSalient float64
}

// Pixels compares two pictures [H, W, 3]; mask [H, W] is not 0 at salient
// pixels, nil where they are not known.
func Pixels(a, b []float32, mask []byte) (Pixel, error) {
	if err := checkPair(a, b, mask); err != nil {
		return Pixel{}, err
	}
	var abs float64
	var squares [2]float64 // outside and inside of the mask
	for i := 0; i < len(a); i += channels {
		d0 := float64(a[i]) - float64(b[i])
		d1 := float64(a[i+1]) - float64(b[i+1])
		d2 := float64(a[i+2]) - float64(b[i+2])
		abs += math.Abs(d0) + math.Abs(d1) + math.Abs(d2)
		part := 0
		if mask != nil && mask[i/channels] != 0 {
			part = 1
		}
		squares[part] += d0*d0 + d1*d1 + d2*d2
	}
	n := float64(len(a))
	p := Pixel{L1: abs / n, PSNR: psnr((squares[0] + squares[1]) / n), PSNRSalient: math.NaN(), PSNRNonSalient: math.NaN()}
	if mask != nil {
		p.PSNRSalient, p.PSNRNonSalient = psnr(squares[1]/n), psnr(squares[0]/n)
	}
	return p, nil
}

// psnr of a mean squared error of pictures in [0, 1].
func psnr(mse float64) float64 {
	if mse == 0 {
		return math.Inf(1)
	}
	return -10 * math.Log10(mse)
}
