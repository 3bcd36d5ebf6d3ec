package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// modelsSearched bounds in how many models a target of the policy is looked for:
// each costs two calls.
const modelsSearched = 50

// inBaseten looks at the API key, and for the models and targets that the policy
// names.
func (c *checkup) inBaseten(ctx context.Context) {
	if c.broken["BASETEN_API_KEY"] || c.broken["BASETEN_BASE_URL"] || c.broken["BASETEN_AUTH_SCHEME"] {
		return
	}
	client := baseten.New(baseten.Config{
		BaseURL: c.cfg.BasetenBaseURL, Key: c.basetenKey, Scheme: c.cfg.BasetenAuthScheme,
		UserAgent: "autoscalebot/" + c.version + " check", Now: time.Now,
	})
	defer client.Close()
	names := baseten.NewCatalogue(client, time.Now, 0)
	defer names.Close()
	models, ok := c.key(ctx, client, names)
	if ok && c.policy != nil {
		c.literals(ctx, names, models)
	}
}

// key asks whose key it is and what it sees.
func (c *checkup) key(ctx context.Context, client *baseten.Client, names *baseten.Catalogue) ([]baseten.Model, bool) {
	const item = "BASETEN_API_KEY"
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	models, err := names.Models(ctx)
	if err != nil {
		c.report.fail(item, "%s", basetenTrouble(err))
		return nil, false
	}
	// Baseten calls this answer unstable: without it the key is as good.
	owner, err := client.WhoAmI(ctx)
	sees := "it reads " + count(len(models), "model", "models")
	switch {
	case len(models) == 0:
		c.report.warn(item, "it works and sees no model. Is it the key of the right workspace and team?")
	case err != nil:
		c.report.ok(item, "%s; whose it is, Baseten does not say", sees)
	case owner.Email != "":
		c.report.warn(item, "%s, and acts as %s. If that is a person, make a key of the workspace or team instead: a personal key ends with the account.", sees, ownerOf(owner))
	default:
		c.report.ok(item, "%s", sees)
	}
	return models, true
}

func ownerOf(u baseten.User) string {
	if u.Name == "" {
		return u.Email
	}
	return fmt.Sprintf("%s (%s)", u.Name, u.Email)
}

// basetenTrouble says in words for an operator why a call failed.
func basetenTrouble(err error) string {
	var e *baseten.Error
	if !errors.As(err, &e) {
		return "Baseten did not answer in time. Is BASETEN_BASE_URL right, and reachable from here?"
	}
	said := ""
	if e.Message != "" {
		said = " (" + strings.TrimSuffix(e.Message, ".") + ")"
	}
	switch {
	case e.HTTPStatus == http.StatusUnauthorized:
		return "Baseten does not accept this key" + said + ". Make a new one, and see that BASETEN_AUTH_SCHEME fits it."
	case e.HTTPStatus == http.StatusForbidden:
		return "Baseten does not let this key read models" + said + ". Make one that may manage them."
	case e.Kind == baseten.KindUnreachable:
		return "Baseten cannot be reached. Is BASETEN_BASE_URL right, and reachable from here?"
	case e.HTTPStatus != 0:
		return fmt.Sprintf("Baseten answered with HTTP %d%s. Try again later.", e.HTTPStatus, said)
	default:
		return "this key cannot be sent: it has characters that no key has."
	}
}

// literals tells of models and targets in the policy that Baseten does not have: a
// typo there makes a rule that never matches.
func (c *checkup) literals(ctx context.Context, names *baseten.Catalogue, models []baseten.Model) {
	ctx, cancel := context.WithTimeout(ctx, checkManyWithin)
	defer cancel()
	literals := c.policy.Literals()
	var targets []string
	good := true
	for _, l := range literals {
		if l.Target != "" && !slices.Contains(targets, l.Target) {
			targets = append(targets, l.Target)
		}
		if l.Model != "" && !slices.ContainsFunc(models, func(m baseten.Model) bool { return isModel(m, l.Model) }) {
			good = false
			near, err := names.ResolveModel(ctx, l.Model)
			c.report.warn("policy model", "%s: rule %q names %q, which Baseten does not have.%s", c.place(l), l.Rule, l.Model, suggestion(near, err))
		}
	}
	missing, searched, err := lookFor(ctx, names, models, targets)
	for _, l := range literals {
		if !slices.Contains(missing, l.Target) {
			continue
		}
		good = false
		switch {
		case err != nil:
			c.report.warn("policy target", "%s: rule %q names %q. Whether Baseten has it could not be found out.", c.place(l), l.Rule, l.Target)
		default:
			c.report.warn("policy target", "%s: rule %q names %q, which no model has (%s looked through).", c.place(l), l.Rule, l.Target, count(searched, "model", "models"))
		}
	}
	if good && len(literals) > 0 {
		c.report.ok("policy names", "Baseten has every model and target that the policy names")
	}
}

func (c *checkup) place(l authz.Literal) string { return fmt.Sprintf("%s:%d", c.policy.Name(), l.Line) }

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
