// Package figure draws the figures of the paper from trained models and test
// videos, as labelled grids:
//
//	1  source, driving, generated, occlusion map, PriorityCut mask, CutMix image
//	2  the same with the background mask, one row for each share that is cut
//	3  source, driving, then for each model its reconstruction and what its
//	   discriminator's decoder says of every pixel
//	4  source, driving and the reconstruction of each model, with a box enlarged
//	5  the driving frame on top, then for each model its reconstruction and the
//	   difference, all in the colours of one scale
//
// The source is the first frame of a test video, as in the protocol; masks are
// those of Eq. 1 and mixed pictures those of Eq. 2, at the pictures' size.
package figure
