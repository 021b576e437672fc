package tf

/*
#include <stdlib.h>

#include "tensorflow/c/c_api.h"
*/
import "C"

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
	"unsafe"

	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// workerJob is what the processes of a cluster are called in names of devices.
const workerJob = "worker"

// Server is TensorFlow's own: it serves this process's devices and collective
// operations to the other workers of a cluster, by gRPC. There is no
// authentication, and TensorFlow listens at all addresses of the machine
// whatever host the cluster names: whoever reaches the port can make it compute.
// It listens until the process ends; TensorFlow cannot stop one.
type Server struct {
	// Cluster that it belongs to.
	Cluster Cluster
	target  string
}

var started struct {
	sync.Mutex
	server *Server
}

// StartServer makes and starts the server of this process, which can have one.
// The configuration is that of its devices: other sessions of the process take
// the same numbers of threads. An address that is taken is an error.
func StartServer(cluster Cluster, config SessionConfig) (*Server, error) {
	if cluster.Size() < 2 || cluster.Rank < 0 || cluster.Rank >= cluster.Size() {
		return nil, fmt.Errorf("starting a server: rank %d of %d workers", cluster.Rank, cluster.Size())
	}
	started.Lock()
	defer started.Unlock()
	if started.server != nil {
		return nil, fmt.Errorf("starting a server: this process has one, for %s", started.server.Cluster.address())
	}
	def, err := cluster.serverDef(config)
	if err != nil {
		return nil, err
	}
	if err := prepareProcess(config); err != nil {
		return nil, err
	}
	if err := cluster.checkPort(); err != nil {
		return nil, err
	}
	s := &Server{Cluster: cluster}
	doing := "starting the server of " + cluster.address()
	err = guard(doing, func() error {
		status := C.TF_NewStatus()
		defer C.TF_DeleteStatus(status)
		bytes := C.CBytes(def)
		defer C.free(bytes)
		// It is never deleted: deleting one that runs ends the process.
		server := C.TF_NewServer(bytes, C.size_t(len(def)), status)
		if C.TF_GetCode(status) == C.TF_OK {
			C.TF_ServerStart(server, status)
		}
		if code := C.TF_GetCode(status); code != C.TF_OK {
			return &Error{Doing: doing, Code: ErrorCode(code), Message: C.GoString(C.TF_Message(status))}
		}
		s.target = C.GoString((*C.char)(unsafe.Pointer(C.TF_ServerTarget(server))))
		return nil
	})
	if err != nil {
		return nil, err
	}
	started.server = s
	return s, nil
}

// Await waits until the servers of all other workers listen. Without it the
// first step of a worker that is early gets a number of its own, and fails. The
// error of a context that ends first names who is missing.
func (s *Server) Await(ctx context.Context) error {
	for rank, address := range s.Cluster.Workers {
		var why error
		for rank != s.Cluster.Rank {
			d := net.Dialer{Timeout: time.Second}
			connection, err := d.DialContext(ctx, "tcp", address)
			if err == nil {
				connection.Close()
				break
			}
			if ctx.Err() == nil || why == nil {
				why = err // not that its time is over
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("worker %d waits for worker %d, which does not listen at %s: %w (%w)", s.Cluster.Rank, rank, address, ctx.Err(), why)
			case <-time.After(awaitPause):
			}
		}
	}
	return nil
}

// awaitPause lies between two attempts to reach a worker.
const awaitPause = 100 * time.Millisecond

func (c Cluster) address() string { return c.Workers[c.Rank] }

// checkPort says plainly that a port is taken: TensorFlow only says that its
// server could not start.
func (c Cluster) checkPort() error {
	_, port, err := net.SplitHostPort(c.address())
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return fmt.Errorf("worker %d cannot listen at %s: %w; is another run at work on this machine?", c.Rank, c.address(), err)
	}
	return l.Close()
}

// serverDef is the serialized ServerDef.
func (c Cluster) serverDef(config SessionConfig) ([]byte, error) {
	text, err := config.Proto()
	if err != nil {
		return nil, err
	}
	session := &pb.ConfigProto{}
	if err := proto.Unmarshal(text, session); err != nil {
		return nil, err
	}
	session.Experimental, session.UsePerSessionThreads = groupLeader(), false
	tasks := map[int32]string{}
	for i, address := range c.Workers {
		tasks[int32(i)] = address
	}
	return proto.Marshal(&pb.ServerDef{
		Cluster: &pb.ClusterDef{Job: []*pb.JobDef{{Name: workerJob, Tasks: tasks}}},
		JobName: workerJob, TaskIndex: int32(c.Rank), Protocol: "grpc", DefaultSessionConfig: session,
	})
}

// groupLeader says who numbers steps and brings the members of a collective
// operation together. Servers and sessions must be told alike, else all wait.
func groupLeader() *pb.ConfigProto_Experimental {
	return &pb.ConfigProto_Experimental{CollectiveGroupLeader: deviceOf(0)}
}

// deviceOf is the beginning of the names of a rank's devices.
func deviceOf(rank int) string { return "/job:" + workerJob + "/replica:0/task:" + strconv.Itoa(rank) }
