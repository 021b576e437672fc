// Package prioritycut is the regularisation of PriorityCut for the
// discriminator of any GAN that knows where its generator had to invent
// pixels: an occlusion map and the alpha of the background go in, a mask of
// the most occluded foreground comes out, and real and generated pictures are
// mixed along it.
//
// A step with it looks like this: DrawK draws the share to cut; ImageMask (or
// Mask, at the maps' own size) makes the mask; Mix makes the mixed picture of
// Eq. 2; the discriminator's decoder scores the real, the generated and the
// mixed picture; Consistency compares the scores. Vanilla CutMix differs in
// the mask alone: DrawBoxes and BoxMask take the place of DrawK and ImageMask.
//
// Masks are constants to differentiation: no gradient flows back through one.
package prioritycut
