package graph

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// shared is batch norm in training over the maps of all replicas, with a leaky
// ReLU and, with pool, 2x2 averages behind it, by our own kernels.
func (n *BatchNorm) shared(s *Scope, x tensorflow.Output, slope float64, pool bool) tensorflow.Output {
	d := s.Shape(x)
	if s.b.err != nil || pool && !s.poolable("average", x) {
		return tensorflow.Output{}
	}
	if d[0] < 1 {
		s.Failf("batch norm over several replicas of %v: the size of the batch must be known", d)
		return tensorflow.Output{}
	}
	own := s.AddOp("PriorityCutMoments", nil, nil, x)
	if own == nil {
		return tensorflow.Output{}
	}
	mean, variance := s.pooled(own.Output(0), own.Output(1))
	r := s.b.replicas
	y := s.Op("PriorityCutNormShared", Attrs{
		"pool": pool, "slope": float32(slope), "epsilon": float32(normEpsilon), "timeout_seconds": float32(r.Timeout.Seconds()),
	}, x, n.Weight.Value, n.Bias.Value, mean, variance,
		s.ScalarOf(tensorflow.Int32, float64(r.Size)), s.groupKey())
	count := float64(d[0] * d[1] * d[2] * r.Size)
	n.move(s, mean, s.Scale(variance, count/(count-1)))
	return y
}

// pooled are mean and biased variance [C] over equally large batches of all
// replicas, from those of this one's. Replicas exchange both at once, and no
// squares of large numbers are subtracted.
func (s *Scope) pooled(mean, variance tensorflow.Output) (pooledMean, pooledVariance tensorflow.Output) {
	wide := s.Cast(s.AllGather(s.Stack(0, mean, variance)), tensorflow.Double) // [replicas, 2, C]
	means := s.Op("GatherV2", nil, wide, s.ScalarOf(tensorflow.Int32, 0), s.ScalarOf(tensorflow.Int32, 1))
	variances := s.Op("GatherV2", nil, wide, s.ScalarOf(tensorflow.Int32, 1), s.ScalarOf(tensorflow.Int32, 1))
	wideMean := s.Mean(means, 0)
	wideVariance := s.Mean(s.Add(variances, s.Square(s.Minus(means, wideMean))), 0)
	return s.Cast(wideMean, s.b.dtype), s.Cast(wideVariance, s.b.dtype)
}
