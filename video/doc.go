// Package video reads and writes pictures and films: single png and jpg files,
// folders of them, strips of frames side by side, and whatever films ffmpeg
// knows, streamed through pipes so that memory does not grow with the length
// of a film. It also fits frames of one size to another.
//
// All pictures are 8-bit RGB. Grey becomes RGB, alpha is dropped (colours stay
// as stored, whatever their alpha), 16 bits are rounded to 8, CMYK is
// converted. Pictures come upright, as viewers show them: films are turned as
// their display matrix or their first picture says, photographs (jpg, png, webp)
// as their orientation tag says. Pixels of films become square, pictures that
// change their size in the middle are fitted into the first one's, and films of
// high dynamic range (HLG, PQ) are tone-mapped to sRGB. Frames come as they are
// stored, each once, whatever their timestamps: a film of variable rate or
// a gif is not padded with copies, unless OpenFilmAt is asked for a constant
// rate. What a film's rate, length and steadiness are, the times of its pictures
// say; headers are believed only where they list all pictures (Probe).
// Folders of frames are in the order in which people count (SortFrames).
//
// Films become RGB by ffmpeg's own way from YUV to rgb24, which gives all pixels
// of a block the colour difference of that block. Smoother ways differ by one or
// two levels in the mean; this one gives, bit for bit, the pictures that the
// reference reads through imageio and ffmpeg, so that models and numbers of
// either side hold on the other.
//
// # Hostile input
//
// Files come from strangers. What a header claims is compared with Limits
// before anything is decoded or allocated: width times height of a picture,
// frames of a film. A file that grows beyond its claim stops being read. Only
// regular files are opened (a pipe could block for ever). ffmpeg is held to a
// few container formats and to the local file it was given, so that a play
// list under the name of a film cannot make it read other files or the
// network; its number of pixels is limited inside the decoder too; its
// messages are cut. A damaged film gives the frames before the damage and then
// an error, never an invented frame. Still, ffmpeg is a large C program that
// parses hostile bytes: who serves the public should run it where it can do no
// harm (no network, few rights, memory and time limits from outside).
//
// Every function reports trouble as an error that names the file; none panics
// on any input. Cancelling a context ends the ffmpeg process behind a reader.
package video
