package slacksim_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// raw is a bare WebSocket connection, for what slack-go would not do.
type raw struct {
	t  *testing.T
	ws *websocket.Conn
}

func ticket(t *testing.T, s *slacksim.Server) string {
	t.Helper()
	_, url, err := webAPI(s).StartSocketModeContext(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func dial(t *testing.T, s *slacksim.Server) *raw {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(ticket(t, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	return &raw{t, ws}
}

func (r *raw) read() map[string]any {
	r.t.Helper()
	_ = r.ws.SetReadDeadline(time.Now().Add(testTime))
	var f map[string]any
	if err := r.ws.ReadJSON(&f); err != nil {
		r.t.Fatal(err)
	}
	return f
}

// readUntilClosed returns the frames up to the end of the connection.
func (r *raw) readUntilClosed() []map[string]any {
	r.t.Helper()
	_ = r.ws.SetReadDeadline(time.Now().Add(testTime))
	var frames []map[string]any
	for {
		var f map[string]any
		if err := r.ws.ReadJSON(&f); err != nil {
			return frames
		}
		frames = append(frames, f)
	}
}

func (r *raw) ack(envelopeID string, payload any) {
	r.t.Helper()
	ack := map[string]any{"envelope_id": envelopeID}
	if payload != nil {
		ack["payload"] = payload
	}
	if err := r.ws.WriteJSON(ack); err != nil {
		r.t.Fatal(err)
	}
}

func TestHelloFrame(t *testing.T) {
	s := workspace(t, slacksim.Options{AppID: "A0TEST"})
	dial(t, s).read()
	hello := dial(t, s).read()
	info, _ := hello["connection_info"].(map[string]any)
	debug, _ := hello["debug_info"].(map[string]any)
	if hello["type"] != "hello" || hello["num_connections"] != 2.0 || info["app_id"] != "A0TEST" || debug["host"] == nil {
		t.Errorf("hello is %v", hello)
	}
}

func TestTicketWorksOnce(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	url := ticket(t, s)
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.Close()
	for _, used := range []string{url, strings.Replace(url, "ticket=", "ticket=x", 1)} {
		_, resp, err := websocket.DefaultDialer.Dial(used, nil)
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("dial with a bad ticket: %v, %v", resp, err)
		}
	}
}

func TestEleventhConnectionIsTurnedAway(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	for range 10 {
		dial(t, s).read()
	}
	if f := dial(t, s).read(); f["type"] != "disconnect" || f["reason"] != "too_many_websockets" {
		t.Errorf("first frame of the eleventh connection: %v", f)
	}
}

func TestEachPayloadGoesToOneConnection(t *testing.T) {
	for _, seed := range []uint64{0, 42} {
		s := workspace(t, slacksim.Options{Seed: seed})
		one, two := dial(t, s), dial(t, s)
		one.read()
		two.read()
		used := map[string]int{}
		for range 20 {
			used[s.Slash(alice, ops, "status").Connection()]++
		}
		sent := 0
		for _, k := range s.Sockets() {
			sent += k.Sent
			if used[k.ID] != k.Sent || k.Sent == 0 {
				t.Errorf("seed %d: socket %s got %d of 20, the deliveries say %d", seed, k.ID, k.Sent, used[k.ID])
			}
		}
		if sent != 20 {
			t.Errorf("seed %d: %d payloads were sent, want 20", seed, sent)
		}
	}
}

func TestNoConnectionIsDispatchFailed(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	d := s.Slash(alice, ops, "status")
	if err := d.WaitAck(testContext(t)); err == nil || d.Outcome() != slacksim.OutcomeDispatchFailed {
		t.Errorf("outcome %q, error %v", d.Outcome(), err)
	}
	mine := s.Ephemerals(alice, ops)
	if len(mine) != 1 || mine[0].Text != `/autoscale failed with the error "dispatch_failed"` || mine[0].User != "USLACKBOT" {
		t.Errorf("alice was told %+v", mine)
	}
	if banner := s.Snapshot().Banner; len(banner) != 1 {
		t.Errorf("banner is %q", banner)
	}
}

func TestUnacknowledgedIsTimeoutAndNeverSentAgain(t *testing.T) {
	s := workspace(t, slacksim.Options{AckTimeout: 20 * time.Millisecond, RetryDelays: []time.Duration{0, 0}})
	bot := connect(t, s)
	d := s.Slash(alice, ops, "status")
	event := bot.next(socketmode.EventTypeSlashCommand)
	if d.WaitAck(testContext(t)) == nil || d.Outcome() != slacksim.OutcomeTimeout {
		t.Fatalf("outcome %q", d.Outcome())
	}
	if mine := s.Ephemerals(alice, ops); len(mine) != 1 || !strings.Contains(mine[0].Text, "operation_timeout") {
		t.Errorf("alice was told %+v", mine)
	}
	bot.ack(event) // Too late changes nothing.
	await(t, s, "late ack", func(*slacksim.Snapshot) bool { return d.LateAcks() == 1 })
	if d.Outcome() != slacksim.OutcomeTimeout || len(d.Attempts()) != 1 {
		t.Errorf("outcome %q after %d attempts", d.Outcome(), len(d.Attempts()))
	}
	s.Redeliver(d)
	if again := bot.next(socketmode.EventTypeSlashCommand); again.Request.EnvelopeID != d.EnvelopeID {
		t.Errorf("redelivered under envelope ID %q, want %q", again.Request.EnvelopeID, d.EnvelopeID)
	}
}

func TestEventsAreSentAgainUnderANewEnvelope(t *testing.T) {
	s := workspace(t, slacksim.Options{AckTimeout: 20 * time.Millisecond, RetryDelays: slices.Repeat([]time.Duration{0}, 1000)})
	bot := connect(t, s)
	d := s.Mention(alice, ops, "", "status")
	envelopes := map[string]bool{}
	for attempt := range 3 {
		event := bot.next(socketmode.EventTypeEventsAPI)
		wrapper := event.Data.(slackevents.EventsAPIEvent).Data.(*slackevents.EventsAPICallbackEvent)
		reason := ""
		if attempt > 0 {
			reason = "timeout"
		}
		if wrapper.EventID != d.EventID || event.Request.RetryAttempt != attempt || event.Request.RetryReason != reason {
			t.Errorf("attempt %d: event %s, retry %d %q", attempt, wrapper.EventID, event.Request.RetryAttempt, event.Request.RetryReason)
		}
		envelopes[event.Request.EnvelopeID] = true
	}
	if len(envelopes) != 3 {
		t.Errorf("3 attempts had %d envelope IDs", len(envelopes))
	}
	// An ack counts only before the next attempt, so a slow machine needs several.
	for d.Outcome() == slacksim.OutcomePending {
		bot.ack(bot.next(socketmode.EventTypeEventsAPI))
		select {
		case <-d.Acked():
		case <-time.After(20 * time.Millisecond):
		}
	}
	if d.Outcome() != slacksim.OutcomeAcked || len(d.Attempts()) < 4 {
		t.Errorf("outcome %q after %d attempts", d.Outcome(), len(d.Attempts()))
	}
}

func TestAnEventWaitsForAConnection(t *testing.T) {
	s := workspace(t, slacksim.Options{RetryDelays: []time.Duration{0, 10 * time.Millisecond, time.Hour}})
	given := s.Mention(alice, ops, "", "given up")
	await(t, s, "three attempts without connection", func(*slacksim.Snapshot) bool { return len(given.Attempts()) == 3 })
	if given.Outcome() != slacksim.OutcomePending {
		t.Errorf("outcome %q while a retry is due", given.Outcome())
	}
}

func TestGivingUpOnAnEvent(t *testing.T) {
	s := workspace(t, slacksim.Options{RetryDelays: []time.Duration{}})
	d := s.Mention(alice, ops, "", "x")
	if d.WaitAck(testContext(t)) == nil || d.Outcome() != slacksim.OutcomeTimeout {
		t.Errorf("outcome %q", d.Outcome())
	}
}

func TestDisconnectReasonsMakeTheClientReconnect(t *testing.T) {
	for _, reason := range []string{slacksim.ReasonWarning, slacksim.ReasonRefresh, slacksim.ReasonLinkDisabled, slacksim.ReasonTooManySockets} {
		t.Run(reason, func(t *testing.T) {
			s := workspace(t, slacksim.Options{})
			bot := connect(t, s)
			s.Sockets()[0].Disconnect(reason)
			bot.next(socketmode.EventTypeHello)
			d := s.Slash(alice, ops, "status")
			bot.ack(bot.next(socketmode.EventTypeSlashCommand))
			if err := d.WaitAck(testContext(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestServerClosesAfterDisconnectFrame(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	r := dial(t, s)
	r.read()
	s.Sockets()[0].Disconnect(slacksim.ReasonRefresh)
	frames := r.readUntilClosed()
	if len(frames) != 1 || frames[0]["reason"] != "refresh_requested" {
		t.Errorf("frames before the end: %v", frames)
	}
	if d := s.Slash(alice, ops, ""); d.Outcome() != slacksim.OutcomeDispatchFailed {
		t.Errorf("outcome %q on a connection that was dismissed", d.Outcome())
	}
}

func TestConnectionTimeAsksForRefresh(t *testing.T) {
	s := workspace(t, slacksim.Options{ConnectionTime: 30 * time.Millisecond})
	bot := connect(t, s)
	bot.next(socketmode.EventTypeHello)
	if n := len(s.Calls("apps.connections.open")); n < 2 {
		t.Errorf("%d opens, want a second", n)
	}
}

func TestKilledSocketIsReplaced(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	s.Sockets()[0].Kill()
	bot.next(socketmode.EventTypeHello)
}

// slack-go notices a half-open connection by missing pings; until then payloads
// are lost.
func TestHalfOpenSocketLosesPayloads(t *testing.T) {
	s := workspace(t, slacksim.Options{AckTimeout: 50 * time.Millisecond})
	bot := connect(t, s)
	s.Sockets()[0].Blackhole()
	d := s.Slash(alice, ops, "status")
	if d.WaitAck(testContext(t)) == nil || d.Outcome() != slacksim.OutcomeTimeout {
		t.Errorf("outcome %q, want operation_timeout", d.Outcome())
	}
	bot.next(socketmode.EventTypeHello)
	await(t, s, "the deaf socket is gone", func(snap *slacksim.Snapshot) bool {
		return len(snap.Sockets) == 1 && !snap.Sockets[0].Deaf
	})
}

// ackTimeout is short where the ack must not count, so that only tests that wait for
// a time-out depend on it.
func ackTimeout(want slacksim.Outcome) time.Duration {
	if want == slacksim.OutcomeTimeout {
		return 50 * time.Millisecond
	}
	return testTime
}

func TestLostAcks(t *testing.T) {
	for lost, want := range map[bool]slacksim.Outcome{true: slacksim.OutcomeTimeout, false: slacksim.OutcomeAcked} {
		s := workspace(t, slacksim.Options{AckTimeout: ackTimeout(want)})
		bot := connect(t, s)
		s.Sockets()[0].DropAcks(lost)
		d := s.Slash(alice, ops, "status")
		bot.ack(bot.next(socketmode.EventTypeSlashCommand))
		_ = d.WaitAck(testContext(t))
		if d.Outcome() != want || d.LateAcks() != 0 {
			t.Errorf("acks lost %v: %q, want %q", lost, d.Outcome(), want)
		}
	}
}

func TestAckOfTwentyKibibytesIsDropped(t *testing.T) {
	for size, want := range map[int]slacksim.Outcome{19 << 10: slacksim.OutcomeAcked, 20 << 10: slacksim.OutcomeTimeout} {
		s := workspace(t, slacksim.Options{AckTimeout: ackTimeout(want)})
		r := dial(t, s)
		r.read()
		d := s.Slash(alice, ops, "status")
		r.read()
		r.ack(d.EnvelopeID, map[string]any{"text": strings.Repeat("x", size)})
		_ = d.WaitAck(testContext(t))
		if d.Outcome() != want {
			t.Errorf("ack of %d bytes: %q, want %q", size, d.Outcome(), want)
		}
	}
}

func TestAckOnAnotherConnection(t *testing.T) {
	for refuse, want := range map[bool]slacksim.Outcome{false: slacksim.OutcomeAcked, true: slacksim.OutcomeTimeout} {
		s := workspace(t, slacksim.Options{RefuseForeignAcks: refuse, AckTimeout: ackTimeout(want)})
		one := dial(t, s)
		one.read()
		first := s.Sockets()[0].ID
		two := dial(t, s)
		two.read()
		d := s.Slash(alice, ops, "status")
		other := one
		if d.Connection() == first {
			other = two
		}
		other.ack(d.EnvelopeID, nil)
		_ = d.WaitAck(testContext(t))
		if d.Outcome() != want {
			t.Errorf("refuse foreign acks %v: %q, want %q", refuse, d.Outcome(), want)
		}
	}
}

func TestAckPayloadIsTheAnswer(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	private := s.Slash(alice, ops, "status")
	bot.ack(bot.next(socketmode.EventTypeSlashCommand), map[string]any{"text": "only you"})
	if m, err := private.WaitResponse(testContext(t)); err != nil || m.Text != "only you" || m.EphemeralFor != alice || m.Via != "ack" {
		t.Errorf("response %+v, %v", m, err)
	}
	loud := s.Slash(alice, ops, "status")
	bot.ack(bot.next(socketmode.EventTypeSlashCommand), map[string]any{"text": "everybody", "response_type": "in_channel"})
	if m, err := loud.WaitResponse(testContext(t)); err != nil || m.EphemeralFor != "" || len(s.Messages(ops)) != 1 {
		t.Errorf("response %+v, %v", m, err)
	}
	if got := string(loud.AckPayload()); !json.Valid([]byte(got)) || !strings.Contains(got, "everybody") {
		t.Errorf("ack payload %s", got)
	}
	bad := s.Slash(alice, ops, "status")
	bot.ack(bot.next(socketmode.EventTypeSlashCommand), map[string]any{"blocks": []any{map[string]any{"type": "nonsense"}}})
	if err := bad.WaitAck(testContext(t)); err != nil {
		t.Fatal(err)
	}
	mine := s.Ephemerals(alice, ops)
	if last := mine[len(mine)-1]; !strings.Contains(last.Text, "invalid_blocks") {
		t.Errorf("alice was told %q", last.Text)
	}
}

func TestRefusedOpens(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	allow := s.RefuseOpen(slacksim.Refusal{RetryAfter: 1500 * time.Millisecond})
	_, _, err := webAPI(s).StartSocketModeContext(testContext(t))
	if limited, ok := err.(*slack.RateLimitedError); !ok || limited.RetryAfter != 2*time.Second {
		t.Errorf("open: %v, want a rate limit of 2s", err)
	}
	allow()
	allow = s.RefuseOpen(slacksim.Refusal{Error: "internal_error"})
	if _, _, err := webAPI(s).StartSocketModeContext(testContext(t)); code(err) != "internal_error" {
		t.Errorf("open: %v", err)
	}
	allow()
	allow = s.RefuseOpen(slacksim.Refusal{Status: http.StatusBadGateway})
	if _, _, err := webAPI(s).StartSocketModeContext(testContext(t)); err != (slack.StatusCodeError{Code: 502, Status: "502 Bad Gateway"}) {
		t.Errorf("open: %v", err)
	}
	allow()
	connect(t, s)
}

func TestSocketModeSwitchedOff(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	r := dial(t, s)
	r.read()
	s.DisableSocketMode(true)
	if f := r.read(); f["reason"] != "link_disabled" {
		t.Errorf("open connection was told %v", f)
	}
	if f := dial(t, s).read(); f["reason"] != "link_disabled" {
		t.Errorf("new connection was told %v", f)
	}
	s.DisableSocketMode(false)
	if f := dial(t, s).read(); f["type"] != "hello" {
		t.Errorf("after switching on: %v", f)
	}
}
