// Package result defines what an evaluation leaves behind: a folder with tables
// that compare, draw and publish what was measured.
//
//	evaluation.json  what was evaluated and how: one Run
//	summary.csv      one SummaryRow per metric and region, once all is done
//	videos.csv       one VideoRow per video, metric and region
//	frames.csv       one FrameRow per frame, unless frames were not wanted
//
// videos.csv decides what is done: it is replaced as a whole, and what
// frames.csv holds beyond it (the trace of a crash) is cut off when the
// evaluation goes on. Every row carries the version of the format; files of
// another version are refused.
package result

import "path/filepath"

// FormatVersion is the version of the files that this package writes and
// reads.
const FormatVersion = 1

// Folder is the folder of an evaluation.
type Folder string

// Run is the file that says what was evaluated.
func (f Folder) Run() string { return filepath.Join(string(f), "evaluation.json") }

// Summary is the table of means over all frames.
func (f Folder) Summary() string { return filepath.Join(string(f), "summary.csv") }

// Videos is the table of means over the frames of each video.
func (f Folder) Videos() string { return filepath.Join(string(f), "videos.csv") }

// Frames is the table of single frames.
func (f Folder) Frames() string { return filepath.Join(string(f), "frames.csv") }
