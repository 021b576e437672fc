// Command serve puts a trained model behind HTTP: a web page that animates
// pictures, and TensorFlow Serving's REST interface.
package main

import (
	"context"
	"errors"
	goflag "flag"
	"fmt"
	"net"
	"os"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/serve"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// defaultRun is the folder of a training run without flags.
func defaultRun() string {
	return rundir.Default(config.DefaultPreset, string(config.DefaultVariant))
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error {
		ctx, stop := cli.UntilSignalled(logging.Stderr(), fmt.Sprintf("stopping: jobs may go on for %v; a second signal leaves at once", p.options.Grace))
		defer stop()
		return p.run(ctx)
	})
}

func (p *program) run(ctx context.Context) (err error) {
	if p.checkpoint != "" && p.savedModel != "" {
		return cli.Usage(errors.New("--checkpoint and --saved_model: give one of them"))
	}
	if err := p.options.Validate(); err != nil {
		return cli.Usage(err)
	}
	// The port is taken first: that fails faster than loading a model.
	l, err := p.listen()
	if err != nil {
		return cli.Usage(err)
	}
	closing := l
	defer func() {
		if closing != nil {
			closing.Close()
		}
	}()
	model, err := p.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	if ctx.Err() != nil {
		return nil
	}
	if err := p.addExamples(ctx, &model.Backend, model.Config()); err != nil {
		return err
	}
	p.options.Version = model.Version
	server, err := serve.New(model.Backend, p.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	p.announce(l, model)
	closing = nil
	return server.Serve(ctx, l)
}

// listen notes whether others than this machine can come.
func (p *program) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		return nil, fmt.Errorf("--address=%s: %w; choose another port, or port 0 for any free one", p.address, err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		p.options.Loopback = a.IP.IsLoopback()
	}
	if !p.options.Loopback {
		glog.Warningf("--address=%s lets in whoever reaches this machine, without a password: put a proxy with passwords and TLS before it", p.address)
	}
	return l, nil
}

func (p *program) open() (*serve.Opened, error) {
	o := infer.Options{Session: tf.SessionConfig{Device: p.shared.Device, MemoryGrowth: true, TrustSavedModel: p.trust}, Batch: p.batch}
	if p.savedModel != "" {
		model, err := serve.OpenSavedModel(p.savedModel, o)
		return model, cli.Usage(err)
	}
	path := p.checkpoint
	if path == "" {
		path = defaultRun()
	}
	if _, err := savedmodel.Dir(path); err == nil {
		return nil, cli.Usage(fmt.Errorf("%s is an exported model: name it by --saved_model", path))
	}
	model, err := serve.OpenCheckpoint(path, o)
	if infer.IsMissing(err) && p.checkpoint == "" {
		err = fmt.Errorf("there is no trained model in %s yet: make one with bazel run //cmd:train (minutes), or name one by --checkpoint", path)
	}
	return model, cli.Usage(err)
}

func (p *program) announce(l net.Listener, model *serve.Opened) {
	url := "http://" + l.Addr().String()
	page := "  page      " + url + "/\n"
	if model.Animator == nil {
		page = ""
	}
	fmt.Fprintf(p.Out(), "serving %s, version %d; Ctrl-C stops\n%s  predict   %s/v1/models/%s:predict\n  metrics   %s/metrics\n",
		p.options.Name, model.Version, page, url, p.options.Name, url)
	steps := []cli.Step{{Command: "curl " + url + "/v1/models/" + p.options.Name, For: "ask whether it is ready"}}
	if model.Animator != nil {
		steps = append([]cli.Step{{Command: "xdg-open " + url + "/", For: "animate a picture of yours in the browser"}}, steps...)
	}
	cli.Next(p.Out(), steps...)
}
