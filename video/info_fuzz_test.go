package video

import (
	"encoding/json"
	"testing"
)

// FuzzProbed takes any text for ffprobe's answer: what films say about
// themselves is hostile, too.
func FuzzProbed(f *testing.F) {
	f.Add([]byte(`{"streams": [{"index": 0, "codec_type": "video", "codec_name": "h264", "width": 64, "height": 48, "avg_frame_rate": "25/1",
		"r_frame_rate": "25/1", "nb_frames": "50", "duration": "2.0"}], "format": {"format_name": "mov,mp4", "duration": "2.0", "start_time": "0"}}`))
	f.Add([]byte(`{"streams": [{"codec_type": "video", "width": 90, "height": 72, "sample_aspect_ratio": "64:45", "avg_frame_rate": "0/0",
		"side_data_list": [{"rotation": -90}]}], "frames": [{"media_type": "video", "width": 1, "height": 1}]}`))
	f.Add([]byte(`{"streams": [{"codec_type": "video", "width": -1, "height": 9223372036854775807, "sample_aspect_ratio": "1:0", "avg_frame_rate": "1/1e-300"}]}`))
	f.Add([]byte(`{"streams": [{"codec_type": "audio"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		answer := &probe{}
		if json.Unmarshal(text, answer) != nil {
			return
		}
		film := answer.film()
		if film == nil {
			return
		}
		info := answer.info(film)
		if answer.listsPictures(film) {
			info.claimed(film)
		}
		if info.Rate < 0 || info.Duration < 0 || info.Start < 0 || info.SteadyFrames() < 0 {
			t.Errorf("%+v", info)
		}
	})
}
