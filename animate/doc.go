// Package animate moves the figure of a picture as the figure of a video moves:
// the source picture is encoded once, the frames of the driving video stream
// through in batches, and memory does not grow with their number. Reading,
// computing and writing overlap.
//
// The networks come from a training run, a checkpoint, or a SavedModel with the
// signatures encode_source, keypoints and animate_frame.
//
// # Motion
//
// Relative motion (the default) moves the source's keypoints as the driving
// ones have moved since an initial frame (Animator.Video, Keypoints.Relative);
// it asks for a source and an initial frame of like pose, not of like shape.
// Absolute motion takes the driving keypoints as they are. The initial frame is
// the first one unless Job says otherwise: the reference's demo then animates
// forward and backward from it and joins the two; as every frame depends on the
// initial frame and itself alone, that is the video in its natural order, and
// so it is computed here.
//
// # Hostile input
//
// Pictures and films are read by package video within its limits. A SavedModel
// is a program: load only what you would run.
package animate
