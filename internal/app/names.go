package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot"
)

// What a policy names and nobody has: bot check tells of it, and so does the bot
// whenever it takes a policy.

// modelsSearched bounds in how many models a target of the policy is looked for:
// each costs two calls.
const modelsSearched = 50

// unknownName is something that a policy names.
type unknownName struct {
	item string // model, target: what it is
	text string // a sentence for whoever wrote the policy
	// denies tells that a deny rule names it, and so never matches.
	denies bool
}

// unknownNames looks for the models and targets that a policy names. It returns those
// that Baseten does not have, and those of which that could not be found out.
func unknownNames(ctx context.Context, policy *authz.Policy, names *baseten.Catalogue, models []baseten.Model) (unknown, unclear []unknownName) {
	literals := policy.Literals()
	var targets []string
	for _, l := range literals {
		if l.Target != "" && !slices.Contains(targets, l.Target) {
			targets = append(targets, l.Target)
		}
	}
	missing, searched, err := lookFor(ctx, names, models, targets)
	for _, l := range literals {
		named := fmt.Sprintf("%s:%d: rule %q names %q", policy.Name(), l.Line, l.Rule, l.Model+l.Target)
		u := unknownName{denies: l.Effect == authz.Deny}
		switch {
		case l.Model != "":
			if slices.ContainsFunc(models, func(m baseten.Model) bool { return isModel(m, l.Model) }) {
				continue
			}
			near, nearErr := names.ResolveModel(ctx, l.Model)
			u.item, u.text = "policy model", named+", which Baseten does not have."+neverDenies(u.denies)+suggestion(near, nearErr)
			unknown = append(unknown, u)
		case !slices.Contains(missing, l.Target):
		case err != nil:
			u.item, u.text = "policy target", named+". Whether Baseten has it could not be found out."
			unclear = append(unclear, u)
		default:
			u.item = "policy target"
			u.text = fmt.Sprintf("%s, which no model has (%s looked through).%s", named, count(searched, "model", "models"), neverDenies(u.denies))
			unknown = append(unknown, u)
		}
	}
	return unknown, unclear
}

func neverDenies(denies bool) string {
	if denies {
		return " It is there to deny, and denies nothing."
	}
	return ""
}

const (
	// nameLookWithin bounds one look for all that a policy names.
	nameLookWithin = 10 * time.Minute
	// looksAtOnce is how many people, groups and channels are looked up at once, then
	// one a second: commands need the same calls, and Slack limits them.
	looksAtOnce = 20
)

// nameLook tells whoever runs the bot of what a policy names and nobody has.
type nameLook struct {
	db    change.Store
	slack *slackbot.Slack
	names *baseten.Catalogue
	log   *zap.Logger
}

// over looks a policy over that was taken. It logs what it finds, and announces it
// once for each version taken, over all replicas.
func (l *nameLook) over(ctx context.Context, policy *authz.Policy) {
	ctx, cancel := context.WithTimeout(ctx, nameLookWithin)
	defer cancel()
	var lines []string
	models, err := l.names.Models(ctx)
	if err == nil && l.names.Stale() {
		err = errors.New("baseten does not answer")
	}
	if err == nil {
		unknown, unclear := unknownNames(ctx, policy, l.names, models)
		for _, u := range unknown {
			lines = append(lines, u.text)
		}
		if len(unclear) > 0 {
			err = errors.New("baseten did not answer for all models")
		}
	}
	unknown, slackErr := unknownToSlack(ctx, policy, l.slack)
	lines = append(lines, unknown...)
	if errors.Is(ctx.Err(), context.Canceled) {
		return // stopping: the next start looks again
	}
	sha := zap.String("sha256", policy.SHA256())
	if err := errors.Join(err, slackErr); err != nil {
		l.log.Warn("not all names in the policy could be checked", sha, zap.Error(err))
	}
	if len(lines) == 0 {
		return
	}
	l.log.Warn("the policy names what nobody has", sha, zap.Strings("names", lines))
	if first, err := l.first(ctx, policy); err != nil || !first {
		if err != nil {
			l.log.Warn("announce names in the policy", zap.Error(err))
		}
		return
	}
	if err := l.slack.Announce(ctx, "The policy was taken, and names what does not exist:\n"+strings.Join(lines, "\n")); err != nil {
		l.log.Error("announce names in the policy", zap.Error(err))
	}
}

// first reports whether no process has announced this version yet since it was taken.
// It is forgotten with the other deliveries, after a day.
func (l *nameLook) first(ctx context.Context, policy *authz.Policy) (bool, error) {
	_, taken, err := l.db.Policy(ctx)
	if err != nil {
		return false, err
	}
	err = l.db.Record(ctx, change.Delivery{Key: fmt.Sprintf("policy names %s %d", policy.SHA256(), taken.UnixMilli())})
	if errors.Is(err, change.ErrDelivered) {
		return false, nil
	}
	return err == nil, err
}

// unknownToSlack looks for the people, user groups and channels that a policy names.
// It returns those that Slack does not know, and why not all could be looked for.
func unknownToSlack(ctx context.Context, policy *authz.Policy, slack *slackbot.Slack) (unknown []string, err error) {
	pace := rate.NewLimiter(1, looksAtOnce)
	look := func(ids []string, format string, known func(id string) error) {
		for _, id := range ids {
			if pace.Wait(ctx) != nil {
				err = errors.New("slack was not asked for all in time")
				return
			}
			switch why := known(id); {
			case errors.Is(why, slackbot.ErrUnknown):
				unknown = append(unknown, fmt.Sprintf(format, id))
			case why != nil && err == nil:
				err = fmt.Errorf("%s: %s", id, slackbot.Trouble(why))
			}
		}
	}
	look(policy.Usergroups(), noUsergroup, func(id string) error { _, err := slack.Usergroup(ctx, id); return err })
	look(policy.Channels(), noChannel, func(id string) error { _, err := slack.Channel(ctx, id); return err })
	look(policy.Users(), noUser, func(id string) error { _, err := slack.Person(ctx, id); return err })
	return unknown, err
}

// What is said of an ID that Slack does not know.
const (
	noUsergroup = "%s: Slack has no such user group, or it is disabled. Correct the policy."
	noChannel   = "%s: Slack shows the bot no such channel. Correct the ID; if the channel is private, type /invite @autoscale there."
	noUser      = "%s: Slack knows nobody of this ID. Correct the policy."
)

// isModel tells whether a policy that names this model means m.
func isModel(m baseten.Model, name string) bool {
	if strings.Contains(name, "/") {
		return m.Team+"/"+m.Name == name
	}
	return m.Name == name || m.ID == name
}

// suggestion is what a policy may have meant: people may write a name in another case, a
// policy may not.
func suggestion(near baseten.Model, err error) string {
	if err == nil {
		return " Did you mean " + near.Name + "?"
	}
	var unknown *baseten.NotFoundError
	if errors.As(err, &unknown) && len(unknown.Suggestions) > 0 {
		return " Did you mean " + strings.Join(unknown.Suggestions, " or ") + "?"
	}
	return ""
}

// lookFor looks for targets in one model after another until it has found them all.
// It returns those that are in none of the models searched.
func lookFor(ctx context.Context, names *baseten.Catalogue, models []baseten.Model, targets []string) (missing []string, searched int, err error) {
	// Every model has these two, or may get them.
	missing = slices.DeleteFunc(slices.Clone(targets), func(t string) bool { return t == "production" || t == "development" })
	for _, m := range models {
		if len(missing) == 0 || searched == modelsSearched {
			break
		}
		searched++
		has, readErr := names.Targets(ctx, m.ID)
		if readErr != nil || has.Stale {
			err = errors.Join(err, fmt.Errorf("read targets of %s: %w", m.ID, readErr))
			continue
		}
		missing = slices.DeleteFunc(missing, func(t string) bool { return isTarget(has, t) })
	}
	return missing, searched, err
}

func isTarget(has baseten.Targets, name string) bool {
	return slices.ContainsFunc(has.Environments, func(e baseten.Environment) bool { return e.Name == name }) ||
		slices.ContainsFunc(has.Deployments, func(d baseten.Deployment) bool { return d.Name == name || d.ID == name })
}
