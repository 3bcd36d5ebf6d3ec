package observe

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

const namespace = "autoscalebot"

// AckDeadline is the time in which Slack wants an envelope acknowledged: later,
// the user is told that the app failed
// (docs.slack.dev/interactivity/handling-user-interaction).
const AckDeadline = 3 * time.Second

// Metrics counts what the bot does, on a registry of its own. Make it with
// NewMetrics; its methods may be called from many goroutines.
//
// Label values come from fixed sets (a command's name, a method, a state): never
// from what somebody typed, or the number of series grows without bound.
type Metrics struct {
	registry *prometheus.Registry

	commands        *prometheus.CounterVec
	refusals        *prometheus.CounterVec
	requestsEnded   *prometheus.CounterVec
	outcomes        *prometheus.CounterVec
	breakGlass      prometheus.Counter
	requests        *prometheus.GaugeVec
	oldest          *prometheus.GaugeVec
	openReviews     prometheus.Gauge
	overdueEnds     prometheus.Gauge
	policyStale     prometheus.Gauge
	policyInfo      *prometheus.GaugeVec
	policyTaken     prometheus.Gauge
	ack             prometheus.Histogram
	acksLate        prometheus.Counter
	acksUnsent      prometheus.Counter
	patch           prometheus.Histogram
	slackCalls      *prometheus.CounterVec
	slackSeconds    *prometheus.HistogramVec
	basetenCalls    *prometheus.CounterVec
	basetenSeconds  *prometheus.HistogramVec
	postRetries     *prometheus.CounterVec
	sockets         prometheus.Gauge
	socketsWanted   prometheus.Gauge
	socketOpens     prometheus.Counter
	envelopeDropped prometheus.Counter
	unrecorded      prometheus.Counter
	messagesGivenUp prometheus.Counter
	panics          prometheus.Counter
	storeUp         prometheus.Gauge
	storeErrors     prometheus.Counter
	keyRefused      prometheus.Gauge
	auditHead       prometheus.Gauge
}

// NewMetrics returns metrics that all stand at zero, with those of the Go runtime
// and of the process.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),

		commands:      counterVec("commands_total", "Commands handled, by command and outcome.", "command", "outcome"),
		refusals:      counterVec("refusals_total", "Commands and clicks refused, or typed wrongly, by reason.", "reason"),
		requestsEnded: counterVec("requests_ended_total", "Change requests that ended, by end state. What was typed wrongly counts as refused, and here not at all.", "state"),
		outcomes:      counterVec("outcomes_total", "What was learned of changes after they were sent, by outcome.", "outcome"),
		breakGlass:    counter("break_glass_total", "Changes that skipped their approval by break-glass."),
		requests:      gaugeVec("requests", "Change requests that have not ended, by state, in the database that all replicas share.", "state"),
		oldest:        gaugeVec("oldest_request_seconds", "Age of the oldest request in that state, 0 where there is none.", "state"),
		openReviews:   gauge("open_reviews", "Changes by break-glass that nobody has reviewed yet, in the database that all replicas share."),
		overdueEnds:   gauge("overdue_ends", "Temporary changes whose time is up and whose settings have not gone back, in the database that all replicas share."),
		policyStale:   gauge("policy_stale", "1 while the policy file does not load and an earlier version is in force."),
		policyInfo:    gaugeVec("policy_info", "Always 1; the label tells the policy in force.", "sha256"),
		policyTaken:   gauge("policy_loaded_timestamp_seconds", "When this process took the policy in force, in seconds since 1970."),

		ack:        histogram("ack_seconds", "Time from the receipt of an envelope to its acknowledgement."),
		acksLate:   counter("acks_late_total", "Acknowledgements that were sent, and too late: Slack had told the person that it failed."),
		acksUnsent: counter("acks_unsent_total", "Acknowledgements that could not be sent: the socket was gone, or it was much too late."),
		patch:      histogram("patch_seconds", "Time from the receipt of a command, or of the last approval, to the sending of its PATCH."),

		slackCalls:     counterVec("slack_calls_total", "Slack Web API calls, by method and result.", "method", "result"),
		slackSeconds:   histogramVec("slack_call_seconds", "Duration of Slack Web API calls, by method.", "method"),
		basetenCalls:   counterVec("baseten_calls_total", "Baseten API calls, by operation and result.", "op", "result"),
		basetenSeconds: histogramVec("baseten_call_seconds", "Duration of Baseten API calls, by operation.", "op"),
		postRetries:    counterVec("post_retries_total", "Slack messages sent once more after an uncertain end, by method.", "method"),

		sockets:         gauge("sockets_connected", "Socket Mode connections that are open."),
		socketsWanted:   gauge("sockets_wanted", "Socket Mode connections that this process wants to keep open (SLACK_CONNECTIONS)."),
		socketOpens:     counter("socket_opens_total", "Socket Mode connections opened."),
		envelopeDropped: counter("envelopes_dropped_total", "Envelopes not taken, and so not acknowledged: the queue was full, or the socket was being closed."),
		unrecorded:      counter("commands_unrecorded_total", "Commands and clicks that could not be recorded, and so were not acknowledged."),

		messagesGivenUp: counter("messages_given_up_total", "Messages that Slack did not take and that are not tried any more."),
		panics:          counter("request_panics_total", "Panics and unwritable rows that one change request caused."),
		storeUp:         gauge("store_up", "1 while the database answers."),
		storeErrors:     counter("store_errors_total", "Statements and commits that the database did not carry out."),
		keyRefused:      gauge("baseten_key_refused", "1 while Baseten does not accept the API key."),
		auditHead:       gauge("audit_head_seq", "Number of the audit log's last event. It never falls, unless the log's end was cut off."),
	}
	m.registry.MustRegister(
		m.commands, m.refusals, m.requestsEnded, m.outcomes, m.breakGlass, m.requests, m.oldest, m.openReviews, m.overdueEnds,
		m.policyStale, m.policyInfo, m.policyTaken,
		m.ack, m.acksLate, m.acksUnsent, m.patch,
		m.slackCalls, m.slackSeconds, m.basetenCalls, m.basetenSeconds, m.postRetries,
		m.sockets, m.socketsWanted, m.socketOpens, m.envelopeDropped,
		m.unrecorded, m.messagesGivenUp, m.panics, m.storeUp, m.storeErrors, m.keyRefused, m.auditHead,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Build tells which version runs. Call it once.
func (m *Metrics) Build(version string) error {
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the label tells the version.",
		ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
	if err := m.registry.Register(info); err != nil {
		return fmt.Errorf("register build_info: %w", err)
	}
	return nil
}

// Queue shows how many items wait in the queue of that name. depth is called at
// every scrape, from its goroutine; len of a channel will do. A name is taken once.
func (m *Metrics) Queue(name string, depth func() int) error {
	g := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "queue_depth", Help: "Items that wait, by queue.",
		ConstLabels: prometheus.Labels{"queue": name},
	}, func() float64 { return float64(depth()) })
	if err := m.registry.Register(g); err != nil {
		return fmt.Errorf("register queue_depth of %s: %w", name, err)
	}
	return nil
}

// Command counts a command that was handled: its name (change, status …),
// and what came of it.
func (m *Metrics) Command(command, outcome string) {
	m.commands.WithLabelValues(command, outcome).Inc()
}

// Refused counts a command or click that was refused.
func (m *Metrics) Refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }

// RequestEnded counts a change request that reached an end state.
func (m *Metrics) RequestEnded(state string) { m.requestsEnded.WithLabelValues(state).Inc() }

// Outcome counts what was learned of a change after it was sent.
func (m *Metrics) Outcome(kind string) { m.outcomes.WithLabelValues(kind).Inc() }

// Requests tells how many requests are in a state that is no end, and how old the
// oldest of them is.
func (m *Metrics) Requests(state string, n int, oldest time.Duration) {
	m.requests.WithLabelValues(state).Set(float64(n))
	m.oldest.WithLabelValues(state).Set(oldest.Seconds())
}

// BreakGlass counts a change that skipped its approval.
func (m *Metrics) BreakGlass() { m.breakGlass.Inc() }

// OpenReviews tells how many changes by break-glass nobody has reviewed yet.
func (m *Metrics) OpenReviews(n int) { m.openReviews.Set(float64(n)) }

// OverdueEnds tells how many temporary changes should have ended and have not.
func (m *Metrics) OverdueEnds(n int) { m.overdueEnds.Set(float64(n)) }

// PolicyStale tells whether the policy in force is older than its file.
func (m *Metrics) PolicyStale(stale bool) { m.policyStale.Set(oneIf(stale)) }

// PolicyTaken tells which policy is in force, and since when in this process.
func (m *Metrics) PolicyTaken(sha256 string, at time.Time) {
	m.policyInfo.Reset()
	m.policyInfo.WithLabelValues(sha256).Set(1)
	m.policyTaken.Set(float64(at.UnixMilli()) / 1000)
}

// Acked records an acknowledgement sent d after its envelope was received; after
// AckDeadline it counts as late too.
func (m *Metrics) Acked(d time.Duration) {
	m.ack.Observe(d.Seconds())
	if d > AckDeadline {
		m.acksLate.Inc()
	}
}

// AckUnsent counts an acknowledgement that could not be sent.
func (m *Metrics) AckUnsent() { m.acksUnsent.Inc() }

// PatchSent records a PATCH sent d after the command, or the last approval, that
// asked for it was received.
func (m *Metrics) PatchSent(d time.Duration) { m.patch.Observe(d.Seconds()) }

// SlackCalled records a Web API call that took d. The result is ok, Slack's error
// word for what went wrong, or what was missing (ratelimited, http_500, timeout).
func (m *Metrics) SlackCalled(method, result string, d time.Duration) {
	m.slackCalls.WithLabelValues(method, result).Inc()
	m.slackSeconds.WithLabelValues(method).Observe(d.Seconds())
}

// BasetenCalled records a Baseten API call that took d. The result is ok, canceled by
// the caller, or the kind of failure.
func (m *Metrics) BasetenCalled(op, result string, d time.Duration) {
	m.basetenCalls.WithLabelValues(op, result).Inc()
	m.basetenSeconds.WithLabelValues(op).Observe(d.Seconds())
}

// PostRetried counts a message that was sent once more with that method, because
// nobody knows whether the first one arrived.
func (m *Metrics) PostRetried(method string) { m.postRetries.WithLabelValues(method).Inc() }

// SocketOpened records a Socket Mode connection that opened. Each call is followed
// by one of SocketClosed.
func (m *Metrics) SocketOpened() {
	m.socketOpens.Inc()
	m.sockets.Inc()
}

// SocketClosed records that an open Socket Mode connection is gone.
func (m *Metrics) SocketClosed() { m.sockets.Dec() }

// SocketsWanted tells how many Socket Mode connections are to be open.
func (m *Metrics) SocketsWanted(n int) { m.socketsWanted.Set(float64(n)) }

// EnvelopeDropped counts an envelope dropped unacknowledged.
func (m *Metrics) EnvelopeDropped() { m.envelopeDropped.Inc() }

// buckets, in seconds, are dense where commands should be (milliseconds) and have
// bounds at the limits that matter: 2.5 the commit's deadline, 3 Slack's, 15 the
// PATCH time-out.
func buckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 3, 5, 10, 15, 30}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

func gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(histogramOpts(name, help))
}

func histogramVec(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(histogramOpts(name, help), labels)
}

func histogramOpts(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets()}
}

// Unrecorded counts a command that could not be recorded.
func (m *Metrics) Unrecorded() { m.unrecorded.Inc() }

// GaveUp counts a message that is not tried any more.
func (m *Metrics) GaveUp() { m.messagesGivenUp.Inc() }

// Panicked counts a request on which its handler broke.
func (m *Metrics) Panicked() { m.panics.Inc() }

// AuditHead tells the number of the audit log's last event.
func (m *Metrics) AuditHead(seq int64) { m.auditHead.Set(float64(seq)) }

// StoreUp tells whether the database answers.
func (m *Metrics) StoreUp(up bool) { m.storeUp.Set(oneIf(up)) }

// StoreFailed counts something that the database did not carry out.
func (m *Metrics) StoreFailed() { m.storeErrors.Inc() }

// KeyRefused tells whether Baseten refuses the API key.
func (m *Metrics) KeyRefused(refused bool) { m.keyRefused.Set(oneIf(refused)) }

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
