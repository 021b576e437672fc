// Package prepare makes a data set that trains well of videos that the user
// already has: a folder OUT with train/ and test/, one folder of pictures or
// one film per clip, named IDENTITY#VIDEO#FIRST#END (the form that id_sampling
// wants), a report to look at, and a manifest.
//
// There are three doors. A CSV file of cuts says what to take, as the face and
// Tai-Chi collections are described (package cutlist). Without one, videos are cut
// where the scene changes (package look), and scenes that are short or still are dropped. Files
// of TFRecords in the layout of the robot pushing set give a clip per record
// (package robot).
//
// # Twice
//
// Everything that is written depends on the input and the parameters alone,
// not on order, time or the number of workers. A clip is made under a temporary
// name and gets its own when it is whole; then the manifest says so. So a run
// that was stopped or killed goes on where it was and ends with the bytes of an
// undisturbed one. A folder made with other parameters is refused.
//
// # Two sides
//
// No identity stands in train and in test, unless there is only one, or a CSV
// says so. Frames that are nearly the same (a video that was uploaded twice)
// are looked for by a perceptual hash and then compared (package twins): identities that share
// such frames go to the same side; where the sides are given, the clip in train
// is dropped. Where one scene is divided in time, some frames are left out
// between the parts, and test frames that train knows are dropped.
//
// # Bad input
//
// What cannot be read is named, counted and passed over: the rest goes on. What
// cannot be written stops everything, since the rest could not be written
// either; what is done stays. Limits on what files may claim are video's.
package prepare
