// Package joints trains a small detector of the joints of the drawn figures
// (dataset/shapes; puppets or people, it knows what it was trained on), so that AKD and MKR can be measured on them: the drawn truth
// exists for real frames only, and a generated frame needs somebody who looks
// at it. Frames to learn from are drawn as they are needed, from videos of the
// training split alone; some are blurred, recoloured and noisy, because generated
// frames are.
//
// The network works on pictures of 49 to 96 pixels a side as they are, on smaller
// ones doubled, on larger ones shrunk to at most 128: a block to half of that, an
// hourglass of three levels, and two heads. One gives a heatmap per joint, whose mean is the joint's place (soft-argmax);
// the other a map per joint, whose mean under the heatmap is the logit of being
// visible. When all is learned that logit is shifted, joint by joint, so that real
// frames of training videos hardly ever miss a joint that they show.
//
// # The SavedModel
//
// Save writes a SavedModel of TensorFlow's own operations with the signature
// serving_default:
//
//	image      float32 [N, H, W, 3], RGB in [0, 1], H and W as trained
//	keypoints  float32 [N, J, 3]: x and y in pixels, (0, 0) being the centre of
//	           the first pixel, and the confidence in [0, 1] that the joint is
//	           visible; J = 15 joints in the order of shapes.JointID
//
// A joint with a confidence below 0.5 (Threshold) counts as missing.
package joints
