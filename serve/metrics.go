package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus reads. Labels take values of ours only: a client
// cannot make new series.
type metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec   // route, code
	latency  *prometheus.HistogramVec // route
	inFlight prometheus.Gauge
	refused  *prometheus.CounterVec // reason

	jobs       *prometheus.CounterVec // state
	jobSeconds prometheus.Histogram
	frames     prometheus.Counter
	uploaded   prometheus.Counter

	predictions    *prometheus.CounterVec   // signature, result
	predictSeconds *prometheus.HistogramVec // signature
	examples       *prometheus.CounterVec   // signature
}

const namespace = "prioritycut"

func newMetrics(q *queue) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: "http",
			Name: "requests_total", Help: "Requests answered."}, []string{"route", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: "http",
			Name: "request_seconds", Help: "From a request's header to the end of the answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "http",
			Name: "requests_in_flight", Help: "Requests being answered."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "refused_total", Help: "Requests refused because of who asks (host, cross_site) or for want of room (queue, predict_queue, stopping)."},
			[]string{"reason"}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "jobs_total", Help: "Jobs by how they ended."}, []string{"state"}),
		jobSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace,
			Name: "job_seconds", Help: "Time that jobs ran, without waiting.", Buckets: prometheus.ExponentialBuckets(0.25, 2, 14)}),
		frames: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "frames_total", Help: "Frames made by jobs."}),
		uploaded: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "uploaded_bytes_total", Help: "Bytes of pictures and films received for jobs."}),
		predictions: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "predictions_total", Help: "Predict requests that named a signature of the model."}, []string{"signature", "result"}),
		predictSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace,
			Name: "predict_seconds", Help: "Time within TensorFlow.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, []string{"signature"}),
		examples: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "predict_examples_total", Help: "Examples predicted (the sum of the batches)."}, []string{"signature"}),
	}
	m.registry.MustRegister(m.requests, m.latency, m.inFlight, m.refused, m.jobs, m.jobSeconds, m.frames, m.uploaded,
		m.predictions, m.predictSeconds, m.examples,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "jobs_running", Help: "Jobs being computed."},
			func() float64 { running, _ := q.load(); return float64(running) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "jobs_waiting", Help: "Jobs and uploads that wait."},
			func() float64 { _, waiting := q.load(); return float64(waiting) }))
	for _, state := range []State{Done, Failed, Cancelled} {
		m.jobs.WithLabelValues(string(state))
	}
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) request(route string, code int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.latency.WithLabelValues(route).Observe(took.Seconds())
}
