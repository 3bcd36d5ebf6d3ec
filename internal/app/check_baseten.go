package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"autoscalebot/internal/baseten"
)

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

// literals tells of models and targets in the policy that Baseten does not have. A
// typo there makes a rule that never matches: where it denies, that is a hole.
func (c *checkup) literals(ctx context.Context, names *baseten.Catalogue, models []baseten.Model) {
	ctx, cancel := context.WithTimeout(ctx, checkManyWithin)
	defer cancel()
	unknown, unclear := unknownNames(ctx, c.policy, names, models)
	for _, u := range unknown {
		if u.denies {
			c.report.fail(u.item, "%s", u.text)
		} else {
			c.report.warn(u.item, "%s", u.text)
		}
	}
	for _, u := range unclear {
		c.report.warn(u.item, "%s", u.text)
	}
	if len(unknown)+len(unclear) == 0 && len(c.policy.Literals()) > 0 {
		c.report.ok("policy names", "Baseten has every model and target that the policy names")
	}
}
