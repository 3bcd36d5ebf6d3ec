package sandbox

import (
	"context"
	"slices"
	"testing"
	"time"
)

// A form as a story: a shortcut, a model from the bot's list, numbers, and the Home tab.
func TestStoryOfAForm(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	startFakeBot(t, w)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ana := w.As("Ana")
	must(ana.Shortcut("Change Autoscaling").WaitAck(ctx))
	form, err := ana.Form(ctx, "Chosen: *nothing*")
	must(err)

	offered, err := form.Options(ctx, "model", "e")
	must(err)
	if !slices.Equal(offered, []string{"whisper-large", "embed-e5"}) {
		t.Errorf("for e the form offers %q", offered)
	}
	if _, err := form.Choose(ctx, "model", "no such model"); err == nil {
		t.Error("a model that was not offered was chosen")
	}
	_, err = form.Type("max", "7")
	must(err)
	d, err := form.Choose(ctx, "Model", "embed-e5")
	must(err)
	must(d.WaitAck(ctx))
	must(form.Sees(ctx, "Chosen: *embed-e5*"))
	if form.Value("max") != "7" || form.Value("model") != "embed-e5" {
		t.Errorf("after the update the form holds %q and %q", form.Value("model"), form.Value("max"))
	}
	for _, choice := range [][2]string{{"how", "2 hours"}, {"tell", "Tell the leads"}, {"target", "v12"}} {
		if d, err := form.Choose(ctx, choice[0], choice[1]); err != nil || d != nil {
			t.Errorf("choose %v: %v, told the bot: %t", choice, err, d != nil)
		}
	}
	if _, err := form.Submit(); err == nil {
		t.Error("a form without its reason was sent")
	}
	_, err = form.Type("reason", "why")
	must(err)
	d, err = form.Submit()
	must(err)
	must(d.WaitAck(ctx))
	if form.Errors()["why"] != "Say a little more." || !form.Open() || form.Value("reason") != "why" {
		t.Errorf("refused, the form reads:\n%s", form.Text())
	}
	form.Close()
	if form.Open() {
		t.Error("a closed form is open")
	}

	must(ana.OpenHome().WaitAck(ctx))
	home, err := ana.Home(ctx, "Waiting for you")
	must(err)
	d, err = home.Press("Look Too")
	must(err)
	must(d.WaitAck(ctx))
	said, err := ana.Sees(ctx, "Home pressed: second")
	must(err)
	must(ana.MessageShortcut(said, "Change Autoscaling").WaitAck(ctx))
	_, err = ana.Form(ctx, "Chosen: *nothing*")
	must(err)
}
