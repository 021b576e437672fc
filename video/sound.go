package video

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"
)

// probeAudio looks for the sound that is to go in.
func (f *FilmWriter) probeAudio(ctx context.Context) error {
	if f.options.Audio == "" {
		return nil
	}
	if f.options.AudioFrom < 0 {
		return fmt.Errorf("sound cannot begin at %v: AudioFrom must not be negative", f.options.AudioFrom)
	}
	info, err := Probe(ctx, f.options.Audio, f.options.Limits)
	switch {
	case err != nil:
		return fmt.Errorf("its sound: %w", err)
	case info.Audio == "":
		f.sound = "without sound: there is none in " + f.options.Audio
	case f.format.soundBy == "":
		f.sound = fmt.Sprintf("without sound: a %s cannot hold any", f.format.muxer)
	default:
		f.audio = info
	}
	return nil
}

// Sound tells, after Close, what became of the sound in one line: copied,
// encoded anew, or why there is none. It is empty if no sound was asked for.
func (f *FilmWriter) Sound() string { return f.sound }

// addSound replaces the silent film by one with sound. Only now is it known how
// long the pictures last. Sound that cannot be had does not cost the pictures:
// the film stays silent, and Sound says why.
func (f *FilmWriter) addSound() error {
	codec := f.audio.Audio
	if codec == "" {
		return nil
	}
	why := fmt.Sprintf("a %s does not hold %s", f.format.muxer, codec)
	var failed error
	if f.format.copies(codec) {
		if f.hidden() {
			why = "a copy would bring back what an edit had cut off"
		} else if failed = f.mux("-c:a", "copy"); failed == nil {
			f.sound = "sound copied (" + codec + ")"
			return nil
		}
	}
	if f.ctx.Err() == nil {
		if failed = f.mux(f.format.sound...); failed == nil {
			f.sound = fmt.Sprintf("sound encoded anew as %s: %s", f.format.soundBy, why)
			return nil
		}
	}
	f.sound = fmt.Sprintf("without sound: that of %s cannot be used: %v", f.options.Audio, failed)
	return f.ctx.Err()
}

// hidden tells whether the beginning of the sound is there but left out by an
// edit list, as when a film was cut without encoding it anew. Only mp4 and mov
// have such lists. A packet or two are the encoder's own lead.
func (f *FilmWriter) hidden() bool {
	const looks, lead = "%+#8", 3
	from, err := input(f.options.Audio, f.options.Limits.OrDefault())
	if err != nil || f.format.muxer == "mp4" || f.format.muxer == "mov" {
		return false
	}
	args := append([]string{"-select_streams", fmt.Sprintf("a:%d", f.audio.AudioTrack), "-read_intervals", looks,
		"-of", "csv=p=0", "-show_entries", "packet=flags"}, from...)
	cmd, _, err := command(f.ctx, f.options.Limits, "ffprobe", args...)
	if err != nil {
		return false
	}
	out := &limited{left: maxProbe}
	cmd.Stdout = out
	return cmd.Run() == nil && bytes.Count(out.kept, []byte("D")) > lead
}

// mux copies the pictures and adds sound by these options.
func (f *FilmWriter) mux(how ...string) (err error) {
	with, err := f.newTemp()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			with.Remove()
		}
	}()
	from, err := input(f.options.Audio, f.options.Limits.OrDefault())
	if err != nil {
		return err
	}
	length := time.Duration(float64(f.n) / f.rate * float64(time.Second))
	args := []string{"-nostdin", "-y", "-xerror", "-i", "file:" + f.temp.Path,
		"-ss", inSeconds(f.audio.Start + f.options.AudioFrom), "-t", inSeconds(length)}
	args = append(args, from...)
	args = append(args, "-map", "0:v:0", "-map", fmt.Sprintf("1:a:%d", f.audio.AudioTrack), "-map_metadata", "-1", "-c:v", "copy")
	args = append(args, how...)
	args = append(args, f.format.front()...)
	args = append(args, "-f", f.format.muxer, "file:"+with.Path)
	cmd, messages, err := command(f.ctx, f.options.Limits, "ffmpeg", args...)
	if err != nil {
		return err
	}
	if cmd.Writes, err = soundRoom(f.temp.Path, with.Path, length); err != nil {
		return err
	}
	if err := cmd.Run(); err != nil {
		return messages.explain("ffmpeg", err)
	}
	f.temp.Remove()
	f.temp = with
	return nil
}

// inSeconds writes a duration as ffmpeg reads it.
func inSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 6, 64)
}
