package shapes

import "github.com/prioritycut/prioritycut/dataset"

// Train returns the videos to learn from; each is a *Video.
func (s *Set) Train() []dataset.Video { return s.all(Train) }

// Test returns the unseen videos; each is a *Video, which knows its truth.
func (s *Set) Test() []dataset.Video { return s.all(Test) }

func (s *Set) all(split Split) []dataset.Video {
	videos := make([]dataset.Video, s.Len(split))
	for i := range videos {
		videos[i] = s.video(split, i)
	}
	return videos
}

var _ dataset.Source = (*Set)(nil)
