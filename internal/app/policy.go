package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/slackbot/view"
)

// policyEvery is how often the policy file's content is compared: with the three
// seconds from the decision to the PATCH, within ten. There are no file events: a
// ConfigMap is swapped by a symlink.
const policyEvery = 6 * time.Second

// policyHolder keeps the policy in force. A file that does not load, or fails its
// own tests, is refused: the last accepted version stays, over a restart too.
type policyHolder struct {
	file     string
	store    change.Store
	announce func(ctx context.Context, text string)
	hasRoom  bool // ANNOUNCE_CHANNEL is set
	every    time.Duration
	read     func(text []byte, refused error)
	log      *zap.Logger
	metrics  *observe.Metrics

	// taken is told of each new version, where it is not nil.
	taken func(*authz.Policy)

	mu      sync.RWMutex
	current *authz.Policy
	refused []byte // the content that was refused last
}

func newPolicyHolder(cfg Config, opts Options, db change.Store, announce func(ctx context.Context, text string) error, log *zap.Logger, metrics *observe.Metrics) *policyHolder {
	read := opts.PolicyRead
	if read == nil {
		read = func([]byte, error) {}
	}
	return &policyHolder{
		file: cfg.PolicyFile, store: db, hasRoom: cfg.AnnounceChannel != "", every: cmp.Or(opts.PolicyEvery, policyEvery), read: read,
		log: log, metrics: metrics,
		announce: func(ctx context.Context, text string) {
			if err := announce(ctx, text); err != nil {
				log.Error("announce", zap.Error(err))
			}
		},
	}
}

// Current returns the policy in force, never nil once load succeeded.
func (p *policyHolder) Current() *authz.Policy {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.current
}

// load takes the policy at start: from the file, or from the database where
// the file will not do. With neither the bot does not start.
func (p *policyHolder) load(ctx context.Context, allowed []string) error {
	if p.file == "" {
		policy, err := authz.AllowedUsers(allowed)
		if err != nil {
			return fmt.Errorf("ALLOWED_USERS: %w", err)
		}
		if err := p.keep(ctx, policy); err != nil {
			return fmt.Errorf("keep the policy of ALLOWED_USERS: %w", err)
		}
		p.current = policy
		p.metrics.PolicyStale(false)
		p.accepted(policy)
		return nil
	}
	err := p.refresh(ctx)
	if err == nil {
		return nil
	}
	text, at, keepErr := p.store.Policy(ctx)
	if keepErr != nil {
		return fmt.Errorf("read the last accepted policy: %w", keepErr)
	}
	if text == "" || isUserList(text) {
		return fmt.Errorf("POLICY_FILE: %w", err)
	}
	last, oldErr := policyfile.Load("last accepted policy", []byte(text))
	if oldErr != nil {
		return fmt.Errorf("POLICY_FILE: %w\nand the last accepted policy does not load either: %w", err, oldErr)
	}
	p.current = last
	p.metrics.PolicyStale(true)
	p.metrics.PolicyTaken(last.SHA256(), time.Now())
	p.log.Error("POLICY_FILE is refused, the last accepted policy stays in force", zap.Time("accepted", at), zap.Error(err))
	return nil
}

func (p *policyHolder) accepted(policy *authz.Policy) {
	p.metrics.PolicyTaken(policy.SHA256(), time.Now())
	p.log.Info("policy accepted", zap.String("policy", policy.Name()), zap.String("sha256", policy.SHA256()), zap.Int("rules", len(policy.Rules())))
}

// watch looks for a new version until ctx ends.
func (p *policyHolder) watch(ctx context.Context) {
	if p.file == "" {
		return
	}
	every(ctx, p.every, func() { _ = p.refresh(ctx) }) // it told of a refusal itself
}

// refresh takes a new version of the file, if there is one and it is good.
func (p *policyHolder) refresh(ctx context.Context) error {
	data, err := os.ReadFile(p.file)
	if err != nil {
		data, err = nil, fmt.Errorf("%s cannot be read (%s)", p.file, reason(err))
	}
	current := p.Current()
	if err == nil && current != nil && bytes.Equal(data, current.Source()) {
		p.metrics.PolicyStale(false)
		p.refused = nil
		return nil
	}
	var next *authz.Policy
	if err == nil {
		next, err = CheckPolicy(p.file, data, p.hasRoom)
	}
	if err != nil {
		p.metrics.PolicyStale(current != nil)
		if current != nil && (p.refused == nil || !bytes.Equal(data, p.refused)) {
			p.refused = append([]byte{}, data...)
			p.read(data, err)
			p.tell(ctx, change.Event{Kind: change.EventPolicy, Reason: change.Reason{Code: change.PolicyRefused, Text: err.Error()}})
		}
		return err
	}
	if err := p.keep(ctx, next); err != nil {
		return fmt.Errorf("keep the policy: %w", err)
	}
	p.mu.Lock()
	p.current = next
	p.mu.Unlock()
	p.refused = nil
	p.metrics.PolicyStale(false)
	p.read(data, nil)
	p.accepted(next)
	if p.taken != nil {
		p.taken(next)
	}
	return nil
}

// isUserList tells whether the policy kept last was that of ALLOWED_USERS: once there
// is a file, it is in force no more.
func isUserList(text string) bool {
	_, err := authz.AllowedUsers(strings.Split(text, ","))
	return err == nil
}

// keep stores an accepted version, unless it is the one stored last: by this bot
// before its restart, or by another replica. What stands in no file is kept in the
// event too.
func (p *policyHolder) keep(ctx context.Context, next *authz.Policy) error {
	text, _, err := p.store.Policy(ctx)
	if err != nil || text == string(next.Source()) {
		return err
	}
	e := change.Event{Kind: change.EventPolicy, Reason: change.Reason{Code: change.PolicyTaken}, Policy: next.SHA256()}
	if p.file == "" {
		e.Reason.Text = string(next.Source())
	}
	return p.store.KeepPolicy(ctx, string(next.Source()), next.SHA256(), e)
}

// tell records and announces a refused version, once.
func (p *policyHolder) tell(ctx context.Context, e change.Event) {
	p.log.Error("new policy refused, the last accepted one stays in force", zap.String("why", e.Reason.Text))
	if err := p.store.Record(ctx, change.Delivery{}, e); err != nil {
		p.log.Error("record the refused policy", zap.Error(err))
	}
	if p.announce != nil {
		p.announce(ctx, "A new version of the policy was refused; the last accepted one stays in force. "+e.Reason.Text)
	}
}

// CheckPolicy loads a policy and runs the tests in it. It is what the bot does
// before it takes a file, and what bot policy test does.
func CheckPolicy(name string, data []byte, announces bool) (*authz.Policy, error) {
	policy, err := policyfile.Load(name, data)
	if err != nil {
		return nil, err
	}
	if policy.UsesBreakGlass() && !announces {
		return nil, fmt.Errorf("%s uses break_glass, so ANNOUNCE_CHANNEL must be set", name)
	}
	return policy, policyfile.FailedTests(policyfile.RunTests(policy, ParsePolicyCommand), view.CauseText)
}

// ParsePolicyCommand reads a command of a policy's test with the grammar that people
// type in.
func ParsePolicyCommand(text string) (policyfile.ParsedCommand, error) {
	c, err := commands.Parse(text)
	if err != nil {
		return policyfile.ParsedCommand{}, err
	}
	if c.Name != commands.NameChange {
		return policyfile.ParsedCommand{}, fmt.Errorf("this is not a change: %s", c)
	}
	parsed := policyfile.ParsedCommand{
		Model: c.Model.Word, Target: c.Target.Word, Kind: c.Target.Kind,
		Settings: c.Settings, Reason: c.Reason, Duration: c.For, BreakGlass: c.BreakGlass,
	}
	if !c.Until.IsZero() {
		parsed.Ends = c.Until.In
	}
	return parsed, nil
}
