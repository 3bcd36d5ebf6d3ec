package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Kind is the envelope type of a delivery.
type Kind string

// The kinds of envelope.
const (
	KindSlash       Kind = "slash_commands"
	KindInteractive Kind = "interactive"
	KindEvent       Kind = "events_api"
)

// Outcome is what became of a delivery.
type Outcome string

// The outcomes. An event stays pending while a redelivery is due.
const (
	OutcomePending        Outcome = ""
	OutcomeAcked          Outcome = "acked"
	OutcomeTimeout        Outcome = "operation_timeout" // no ack in time; the user was told
	OutcomeDispatchFailed Outcome = "dispatch_failed"   // no connection; the user was told
	OutcomeRefused        Outcome = "refused"           // never sent: Slack would not let the person do it; see Err
)

// Attempt is one envelope sent (or not: Connection "") for a delivery.
type Attempt struct {
	EnvelopeID   string    `json:"envelope_id"`
	Connection   string    `json:"connection"`
	At           time.Time `json:"at"`
	RetryAttempt int       `json:"retry_attempt"`
}

// DeliveryState is a delivery at one moment, without its secrets.
type DeliveryState struct {
	EnvelopeID string    `json:"envelope_id"`
	Kind       Kind      `json:"kind"`
	What       string    `json:"what"` // for people: the command line, the button's text, the event's type
	UserID     string    `json:"user_id"`
	ChannelID  string    `json:"channel_id"`
	Outcome    Outcome   `json:"outcome"`
	Problem    string    `json:"problem,omitempty"`
	At         time.Time `json:"at"`
	Attempts   []Attempt `json:"attempts"`
}

// Delivery is one thing Slack sends to the app. Its exported fields never change.
type Delivery struct {
	EnvelopeID  string // of the first envelope
	EventID     string // events only; the same in each redelivery
	Kind        Kind
	MessageTS   string // mention: the ts of the person's message
	ResponseURL string // a secret, as in Slack
	TriggerID   string

	s                 *Server
	what, user, where string
	payload           json.RawMessage
	at                time.Time
	ackedCh           chan struct{}
	doneCh            chan struct{}
	onAck             func(payload json.RawMessage) // runs with the lock held
	onLost            func()                        // likewise, when the user has to be told

	// guarded by Server.mu
	attempts   []Attempt
	on         *conn // of the last attempt
	stopTimer  func()
	outcome    Outcome
	err        error
	ackedAt    time.Time
	ackPayload json.RawMessage
	lateAcks   int
	responses  []*Message
}

func (s *Server) newDeliveryLocked(kind Kind, what, userID, channelID string) *Delivery {
	d := &Delivery{
		EnvelopeID: s.idLocked("env-"), Kind: kind, s: s, what: what, user: userID, where: channelID,
		at: s.opts.Now(), ackedCh: make(chan struct{}), doneCh: make(chan struct{}), stopTimer: func() {},
	}
	s.deliveries = append(s.deliveries, d)
	return d
}

// refuseLocked ends a delivery that Slack would not have made.
func (d *Delivery) refuseLocked(err error) *Delivery {
	d.err = err
	d.endLocked(OutcomeRefused)
	return d
}

// sendLocked sends the envelope down one connection and starts the clock.
func (d *Delivery) sendLocked(envelopeID string, retry int) {
	s := d.s
	s.envelopes[envelopeID] = d
	attempt := Attempt{EnvelopeID: envelopeID, At: s.opts.Now(), RetryAttempt: retry}
	envelope := map[string]any{
		"type": d.Kind, "envelope_id": envelopeID, "payload": d.payload,
		"accepts_response_payload": d.Kind != KindEvent,
	}
	if d.Kind == KindEvent {
		envelope["retry_attempt"], envelope["retry_reason"] = retry, ""
		if retry > 0 {
			envelope["retry_reason"] = "timeout"
		}
	}
	d.on = s.pickLocked()
	if d.on != nil {
		attempt.Connection = d.on.id
		d.on.sent++
		d.on.push(frame{data: encode(envelope)})
	}
	d.attempts = append(d.attempts, attempt)
	s.touchLocked()
	switch {
	case d.outcome != OutcomePending: // Sent once more by Redeliver: what it was stays.
	case d.on == nil && d.Kind != KindEvent:
		d.endLocked(OutcomeDispatchFailed)
	case d.on == nil:
		d.retryLocked(retry)
	default:
		d.stopTimer()
		d.stopTimer = s.afterLocked(s.opts.AckTimeout, func() { d.timeoutLocked(retry) })
	}
}

func (d *Delivery) timeoutLocked(retry int) {
	if d.Kind == KindEvent {
		d.retryLocked(retry)
		return
	}
	d.endLocked(OutcomeTimeout)
}

// retryLocked schedules the next delivery of an event under a new envelope ID.
func (d *Delivery) retryLocked(done int) {
	if done >= len(d.s.opts.RetryDelays) {
		d.endLocked(OutcomeTimeout)
		return
	}
	d.stopTimer = d.s.afterLocked(d.s.opts.RetryDelays[done], func() {
		d.sendLocked(d.s.idLocked("env-"), done+1)
	})
}

func (d *Delivery) endLocked(outcome Outcome) {
	if d.outcome != OutcomePending {
		return
	}
	d.stopTimer()
	d.outcome = outcome
	lost := outcome == OutcomeTimeout || outcome == OutcomeDispatchFailed
	if lost && d.onLost != nil {
		d.onLost()
	}
	close(d.doneCh)
	d.s.touchLocked()
}

// pickLocked chooses the connection for one payload.
func (s *Server) pickLocked() *conn {
	live := slices.DeleteFunc(slices.Clone(s.conns), func(c *conn) bool { return c.leaving })
	if len(live) == 0 {
		return nil
	}
	if s.random != nil {
		return live[s.random.IntN(len(live))]
	}
	s.nextConn++
	return live[s.nextConn%len(live)]
}

// acked takes one frame of the app.
func (s *Server) acked(c *conn, data []byte) {
	if len(data) >= maxAck {
		return // As Slack: no error, no ack.
	}
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(data, &ack) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.envelopes[ack.EnvelopeID]
	if d == nil || s.dropAcks || c.dropAcks || (s.opts.RefuseForeignAcks && d.on != c) {
		return
	}
	c.acked++
	if d.outcome != OutcomePending {
		d.lateAcks++
		s.touchLocked()
		return
	}
	d.ackedAt = s.opts.Now()
	if d.Kind != KindEvent {
		d.ackPayload = ack.Payload
	}
	close(d.ackedCh)
	if d.onAck != nil {
		d.onAck(d.ackPayload)
	}
	d.endLocked(OutcomeAcked)
}

// Redeliver sends the same envelope once more, on the next connection. What Slack
// does for events after lost acks, it is also how a test doubles a command or a
// click; the outcome stays what it was.
func (s *Server) Redeliver(d *Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.payload == nil {
		return
	}
	retry := 0
	if d.Kind == KindEvent {
		retry = len(d.attempts)
	}
	d.sendLocked(d.EnvelopeID, retry)
}

// Acked is closed when the app has acknowledged in time.
func (d *Delivery) Acked() <-chan struct{} { return d.ackedCh }

// Done is closed when the outcome is known.
func (d *Delivery) Done() <-chan struct{} { return d.doneCh }

// Outcome is what became of the delivery so far.
func (d *Delivery) Outcome() Outcome {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.outcome
}

// Err says why the delivery was refused; nil for any other outcome.
func (d *Delivery) Err() error {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.err
}

// AckedAt is when the ack came; zero without one.
func (d *Delivery) AckedAt() time.Time {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.ackedAt
}

// AckPayload is the payload of the ack; nil for a bare ack or none.
func (d *Delivery) AckPayload() json.RawMessage {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.ackPayload
}

// LateAcks counts acks after the outcome was known: too late, or doubled.
func (d *Delivery) LateAcks() int {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.lateAcks
}

// Connection is the ID of the connection it was last sent on; "" for none.
func (d *Delivery) Connection() string {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.on == nil {
		return ""
	}
	return d.on.id
}

// Attempts lists the envelopes sent so far.
func (d *Delivery) Attempts() []Attempt {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return slices.Clone(d.attempts)
}

// Responses are the messages made by the ack's payload and through the
// response_url, oldest first.
func (d *Delivery) Responses() []Message {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return copyMessages(d.responses)
}

// State is the delivery as it stands.
func (d *Delivery) State() DeliveryState {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.stateLocked()
}

func (d *Delivery) stateLocked() DeliveryState {
	state := DeliveryState{
		EnvelopeID: d.EnvelopeID, Kind: d.Kind, What: d.what, UserID: d.user, ChannelID: d.where,
		Outcome: d.outcome, At: d.at, Attempts: slices.Clone(d.attempts),
	}
	if d.err != nil {
		state.Problem = d.err.Error()
	}
	return state
}

func (s *Server) deliveryStatesLocked(last int) []DeliveryState {
	out := []DeliveryState{}
	for _, d := range s.deliveries[max(0, len(s.deliveries)-last):] {
		out = append(out, d.stateLocked())
	}
	return out
}

// WaitAck returns nil once the delivery is acknowledged, and an error when it ends
// in any other way or ctx ends.
func (d *Delivery) WaitAck(ctx context.Context) error {
	select {
	case <-d.doneCh:
	case <-d.s.closed:
		return fmt.Errorf("wait for ack of %s: simulated Slack is closed", d.what)
	case <-ctx.Done():
		return fmt.Errorf("wait for ack of %s: %w", d.what, context.Cause(ctx))
	}
	state := d.State()
	switch {
	case state.Outcome == OutcomeAcked:
		return nil
	case state.Problem != "":
		return fmt.Errorf("%s: %s: %s", d.what, state.Outcome, state.Problem)
	}
	return fmt.Errorf("%s: %s", d.what, state.Outcome)
}

// WaitResponse returns the first of Responses as soon as there is one.
func (d *Delivery) WaitResponse(ctx context.Context) (Message, error) {
	var first Message
	err := d.s.Wait(ctx, func(*Snapshot) bool {
		responses := d.Responses()
		if len(responses) == 0 {
			return false
		}
		first = responses[0]
		return true
	})
	if err != nil {
		return Message{}, fmt.Errorf("wait for response to %s: %w", d.what, err)
	}
	return first, nil
}
