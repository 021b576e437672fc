package shapes

import "fmt"

// Part is a rigid piece of the puppet, the value of a label map. Left and
// right are those of the picture, not of the figure.
type Part uint8

// The parts. The values are stored by users of label maps and never change.
const (
	Background Part = iota
	Torso
	Hips
	Head
	LeftUpperArm
	LeftForearm
	LeftHand
	RightUpperArm
	RightForearm
	RightHand
	LeftThigh
	LeftShin
	LeftFoot
	RightThigh
	RightShin
	RightFoot
	// NumParts counts the background and the parts.
	NumParts
)

var partNames = [NumParts]string{
	"background", "torso", "hips", "head",
	"left upper arm", "left forearm", "left hand",
	"right upper arm", "right forearm", "right hand",
	"left thigh", "left shin", "left foot",
	"right thigh", "right shin", "right foot",
}

// String gives the name of the part, such as "left forearm".
func (p Part) String() string {
	if p < NumParts {
		return partNames[p]
	}
	return fmt.Sprintf("Part(%d)", uint8(p))
}

// JointID names a point of the puppet that evaluation can follow.
type JointID uint8

// The joints, from top to bottom. The values never change.
const (
	HeadTop JointID = iota
	Nose
	Neck
	LeftShoulder
	RightShoulder
	LeftElbow
	RightElbow
	LeftWrist
	RightWrist
	LeftHip
	RightHip
	LeftKnee
	RightKnee
	LeftAnkle
	RightAnkle
	// NumJoints counts the joints.
	NumJoints
)

var jointNames = [NumJoints]string{
	"head top", "nose", "neck",
	"left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",
	"left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
}

// String gives the name of the joint, such as "left elbow".
func (j JointID) String() string {
	if j < NumJoints {
		return jointNames[j]
	}
	return fmt.Sprintf("JointID(%d)", uint8(j))
}

// Parts returns the parts that meet at the joint. The joint is seen where one
// of them is the foremost.
func (j JointID) Parts() []Part {
	if j < NumJoints {
		return append([]Part(nil), jointParts[j]...)
	}
	return nil
}

var jointParts = [NumJoints][]Part{
	HeadTop:       {Head},
	Nose:          {Head},
	Neck:          {Head, Torso},
	LeftShoulder:  {LeftUpperArm, Torso},
	RightShoulder: {RightUpperArm, Torso},
	LeftElbow:     {LeftUpperArm, LeftForearm},
	RightElbow:    {RightUpperArm, RightForearm},
	LeftWrist:     {LeftForearm, LeftHand},
	RightWrist:    {RightForearm, RightHand},
	LeftHip:       {LeftThigh, Hips},
	RightHip:      {RightThigh, Hips},
	LeftKnee:      {LeftThigh, LeftShin},
	RightKnee:     {RightThigh, RightShin},
	LeftAnkle:     {LeftShin, LeftFoot},
	RightAnkle:    {RightShin, RightFoot},
}

// drawOrder lists the parts from the farthest to the nearest: the left arm
// passes behind the body, the right arm before it, the right leg before the
// left one.
var drawOrder = [...]Part{
	LeftHand, LeftForearm, LeftUpperArm,
	LeftFoot, LeftShin, LeftThigh,
	RightFoot, RightShin, RightThigh,
	Hips, Torso, Head,
	RightUpperArm, RightForearm, RightHand,
}
