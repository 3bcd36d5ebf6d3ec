package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/pagetest"
)

const box, threadBox = "#composer", "#thread-composer"

// sandboxed is the command as it runs, with the real bot.
type sandboxed struct {
	url string
	env map[string]string // of the bot
}

// runSandbox runs the command until the test ends.
func runSandbox(t *testing.T) *sandboxed {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stdout, out := io.Pipe()
	started, ended := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, out, func(ctx context.Context, in sandbox.Surroundings) error {
			started <- in.Env
			return startBot(ctx, in)
		})
		out.Close()
	}()
	said := bufio.NewScanner(stdout)
	if !said.Scan() {
		t.Fatalf("the sandbox ended at once: %v", <-ended)
	}
	s := &sandboxed{url: regexp.MustCompile(`http://\S+`).FindString(said.Text()), env: <-started}
	go func() {
		for said.Scan() {
			t.Log(said.Text())
		}
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the sandbox ended with: %v", err)
		}
	})
	return s
}

// behindTheBack changes an environment at Baseten as Terraform would, past the bot.
func (s *sandboxed) behindTheBack(t *testing.T, environment, settings string) {
	t.Helper()
	url := s.env["BASETEN_BASE_URL"] + "/v1/models/3ydn1e43/environments/" + environment
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, url, strings.NewReader(`{"autoscaling_settings":`+settings+`}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+s.env["BASETEN_API_KEY"])
	r.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("patch %s: %s: %s", url, resp.Status, body)
	}
}

// The real bot, used from the page as people use it, wide and in light colours as
// well as on a phone in the dark. With SHOTS=directory each step leaves a picture.
func TestPage(t *testing.T) {
	for name, look := range map[string]struct {
		width int64
		theme string
	}{
		"wide": {1280, "light"}, "narrow": {420, "dark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stories(t, look.width, 900, look.theme)
		})
	}
}

func stories(t *testing.T, width, height int64, theme string) {
	t.Helper()
	s := runSandbox(t)
	u := &user{Page: pagetest.Open(t, s.url, width, height), narrow: width < 820}
	u.Theme(theme)
	u.Shows(".notice", "Simulated")
	u.Shows("#bot-status", "Bot connected")
	step := func(name string, f func()) {
		t.Helper()
		u.Step(t, name, f)
		u.Shoot(theme + "-" + name)
	}
	step("change", func() {
		u.Enter(box, "/autoscale llama-70b production max=7")
		u.thread("Baseten: ACCEPTED")
		u.Shows("#thread-messages", "In force after")
		u.Shows("#thread-messages", "Max replicas: 4 → 7")
	})
	step("pending", func() {
		u.closeThread()
		u.Enter(box, `/autoscale llama-70b production max=12 reason="launch at noon, three times the traffic"`)
		u.Shows("#messages .btn", "Approve")
		u.Shows("#messages", "Waits for one of @Lea, @Leo, until")
	})
	step("refused-click", func() {
		u.approve()
		u.Shows("#messages .private", "not allowed: Nobody approves their own request")
	})
	step("approve-dialog", func() {
		u.as("Lea")
		u.Press("#messages .btn", "Approve")
		u.Shows("#confirm[open]", "llama-70b / production for @Ana, up to $78.00/h.")
	})
	step("approved", func() {
		u.Press("#confirm .btn.primary", "Approve")
		u.Gone("#messages .btn", "Approve")
		u.thread("Baseten: ACCEPTED")
		u.Shows("#thread-messages", "Approved by @Lea")
	})
	step("denied", func() {
		u.closeThread()
		u.as("Ana")
		u.Enter(box, "/autoscale llama-70b production min=4 delay=2m")
		u.Shows("#messages", "Scale-down delay: 900 s (15 min) → 120 s (2 min)")
		u.as("Leo")
		u.Press("#messages .btn", "Deny")
		u.Gone("#messages .btn", "Deny")
	})
	step("deny-reason", func() {
		u.Press("#messages .btn", "Add a Reason")
		u.Shows("#modal[open]", "Why was it denied?")
		u.Run(chromedp.SendKeys("#modal textarea", "no GPUs left this week"))
	})
	step("denied-reason", func() {
		u.Press("#modal .btn.primary", "Send")
		u.Shows("#messages", "Denied by @Leo: no GPUs left this week")
		u.thread("Denied by")
	})
	step("confirm", func() {
		u.closeThread()
		u.as("Ana")
		u.Enter(box, "/autoscale llama-70b staging min=1")
		u.Shows("#messages", "Waits for Ana to confirm")
	})
	step("confirmed", func() {
		u.Press("#messages .btn", "Confirm")
		u.Gone("#messages .btn", "Confirm")
		u.thread("Baseten: ACCEPTED")
	})
	step("stale", func() {
		u.closeThread()
		u.Enter(box, "/autoscale llama-70b production max=20")
		u.Shows("#messages .btn", "Approve")
		s.behindTheBack(t, "production", `{"max_replica":9}`)
		u.as("Lea")
		u.approve()
		u.thread("not carried out: max was 12 when shown, is 9 now")
		u.Shows("#thread-messages .btn", "Ask Again")
	})
	step("asked-again", func() {
		u.Press("#thread-messages .btn", "Ask Again")
		u.closeThread()
		u.Shows("#messages", "Asked again after")
		u.Press("#messages .btn", "Deny")
		u.Gone("#messages .btn", "Deny")
	})
	step("break-glass", func() {
		u.as("Ana")
		u.Enter(box, `/autoscale llama-70b production max=20 break-glass reason="customers are waiting"`)
		u.channel("scaling-alarms")
		u.Shows("#messages", "customers are waiting")
		u.Shows("#messages .btn", "Sign Review")
		u.channel("ml-oncall")
	})
	step("failed", func() {
		u.Press("#faults-button", "Faults")
		u.Press("#fault-tray .switch", "replica limit")
		u.Press("#faults-button", "Faults")
		u.Enter(box, "/autoscale llama-70b staging max=40")
		u.Press("#messages .btn", "Confirm")
		u.thread("This failed")
		u.Press("#active-faults .fault", "replica limit")
		u.closeThread()
	})
	step("undo", func() {
		u.Enter(box, "/autoscale whisper-large production delay=2m")
		u.Shows("#messages", "whisper-large / production")
		u.as("Lea")
		u.approve()
		u.thread("In force")
		u.Press("#thread-messages .btn", "Undo Change")
		u.Press("#confirm .btn", "Undo Change")
		u.closeThread()
		u.Shows("#messages", "Undoes #")
		u.Shows("#messages", "Scale-down delay: 120 s (2 min) → 300 s (5 min)")
	})
	step("temporary", func() {
		u.as("Ana")
		u.Enter(box, `/autoscale llama-70b production max=30 for=1h reason="load test"`)
		u.Shows("#messages .btn", "Approve")
		u.Shows("#messages", "For 1 h, then back to max")
	})
	step("temporary-holds", func() {
		u.as("Lea")
		u.approve()
		u.thread("then back to max")
		u.Shows("#thread-messages .btn", "Revert Now")
	})
	step("temporary-back", func() {
		u.Press("#world-button", "World")
		u.Press("#world-tray .btn", "+1 h")
		u.Press("#world-button", "World")
		u.Shows("#thread-messages", "Time is up for #")
		u.Shows("#thread-messages", "Back to max")
	})
	step("frozen", func() {
		u.closeThread()
		u.Enter(box, `/autoscale freeze whisper-large until="Mon 08:00" reason="launch"`)
		u.Shows("#messages", "Lea froze whisper-large")
		u.as("Ana")
		u.Enter(box, "/autoscale whisper-large production max=9")
		u.Shows("#messages .private", "not allowed: whisper-large is frozen by Lea")
	})
	step("thawed", func() {
		u.as("Leo")
		u.Press("#messages .btn", "Thaw")
		u.Shows("#messages", "Thawed by Leo")
		u.thread("Leo thawed whisper-large")
		u.closeThread()
		u.as("Lea")
	})
	for name, c := range map[string]struct{ line, says string }{
		"dry-run":          {"llama-70b production max=30 min=3 dry-run", "Dry run: nothing was changed."},
		"can":              {"can llama-70b production max=30", "the rest needs a lead"},
		"status":           {"status llama-70b", "set by Ana"},
		"help":             {"help", "changes autoscaling settings"},
		"help-word":        {"help delay", "Scale-down delay"},
		"list":             {"list", "search/rerank"},
		"whoami":           {"whoami", "U0LEA"},
		"pending-list":     {"pending", "whisper-large / production"},
		"history":          {"history", "Baseten: ACCEPTED."},
		"not-found":        {"llama-70b prodction max=5", "prodction not found"},
		"denied-by-policy": {"llama-70b production min=0", "not allowed"},
		"mistake":          {"llama-70b production max=+2", "Nothing was changed"},
	} {
		step(name, func() {
			u.Enter(box, "/autoscale "+c.line)
			u.Shows("#messages .message:last-child .body", c.says)
		})
	}
	u.Quiet()
}

// A change for a time, from the form to its end, which a freeze holds up. With
// SHOTS=directory each step leaves a picture.
func TestForATime(t *testing.T) {
	for name, look := range map[string]struct {
		width int64
		theme string
	}{
		"wide": {1280, "light"}, "narrow": {420, "dark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forATime(t, look.width, 900, look.theme)
		})
	}
}

func forATime(t *testing.T, width, height int64, theme string) {
	t.Helper()
	s := runSandbox(t)
	u := &user{Page: pagetest.Open(t, s.url, width, height), narrow: width < 820}
	u.Theme(theme)
	u.Shows("#bot-status", "Bot connected")
	step := func(name string, f func()) {
		t.Helper()
		u.Step(t, name, f)
		u.Shoot(theme + "-time-" + name)
	}
	step("form", func() {
		u.Enter(box, "/autoscale llama-70b production")
		u.Shows("#modal[open]", "For how long")
		u.field("Max replicas", "7")
		u.choose("2 h, then back")
		u.Shows("#modal[open]", "For 2 h, then back to max 4")
	})
	step("form-typed", func() {
		u.choose("Until a time")
		u.Shows("#modal[open]", "How long, or until when")
		u.field("How long, or until when", "90 minutes")
		u.Shows("#modal[open]", "For 1 h 30 min, then back to max 4")
	})
	step("holds", func() {
		u.choose("2 h, then back")
		u.Shows("#modal[open]", "For 2 h, then back to max 4")
		u.Press("#modal .btn.primary", "Request Change")
		u.thread("then back to max 4")
		u.Shows("#thread-messages", "In force after")
		u.closeThread()
	})
	for name, c := range map[string]struct{ line, own string }{
		"pending": {"pending", "For a time"}, "status": {"status llama-70b production", "Last: Ana"}, "history": {"history", "Baseten: ACCEPTED"},
	} {
		step(name, func() {
			u.Enter(box, "/autoscale "+c.line)
			u.Shows("#messages .message:last-child .body", c.own) // no other of the three says it
			u.Shows("#messages .message:last-child .body", "then back to max 4")
		})
	}
	step("home", func() {
		u.channel("autoscale")
		u.Press("#channel-head button", "Home")
		u.Shows("#home", "For a time")
		u.Shows("#home .btn", "Extend 1 h")
	})
	step("notice", func() {
		u.channel("ml-oncall")
		u.later("+1 h", "+10 min", "+10 min", "+10 min", "+10 min", "+10 min")
		u.Press("#messages .thread-link", "replies")
		u.Shows("#thread-messages", "goes back to max 4 at")
	})
	step("extended", func() {
		u.Press("#thread-messages .message:last-child .btn", "Extend 1 h")
		u.Shows("#thread-messages", "Extends #")
		u.Shows("#thread-messages", "holds now")
	})
	step("freeze", func() {
		u.closeThread()
		u.as("Lea")
		u.Enter(box, `/autoscale freeze llama-70b for=8h reason="launch"`)
		u.Shows("#messages", "Lea froze llama-70b")
		u.Shows("#messages", "waits for the thaw")
	})
	step("frozen-end", func() {
		u.later("+1 h", "+10 min")
		u.Press("#messages .thread-link", "replies")
		u.Shows("#thread-messages", "It goes back once the freeze is over")
	})
	step("thawed", func() {
		u.closeThread()
		u.Press("#messages .btn", "Thaw")
		u.Shows("#messages", "Thawed by Lea")
		u.Press("#messages .thread-link", "6 replies")
		u.Shows("#thread-messages", "max 7 → 4 (-3). Baseten: ACCEPTED")
		u.Shows("#thread-messages", "Back to max 4 since")
	})
	u.Quiet()
}

// The first steps, from the top: each does with the real bot what it says.
func TestFirstSteps(t *testing.T) {
	s := runSandbox(t)
	u := &user{Page: pagetest.Open(t, s.url, 1280, 900)}
	u.Theme("light")
	u.Shows("#bot-status", "Bot connected")
	done := 0
	step := func(holds string, f func()) {
		t.Helper()
		done++
		// By the page's own handler, since the messages push the steps out of sight.
		u.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelectorAll(".step")[%d].click()`, done-1)))
		if got := u.Text(fmt.Sprintf(`document.querySelectorAll(".step")[%d].textContent`, done-1)); !strings.Contains(got, holds) {
			t.Fatalf("step %d is %q", done, got)
		}
		f()
	}
	send := func(says string) func() {
		return func() {
			t.Helper()
			u.Until(`document.activeElement.matches("#composer") && document.activeElement.value !== ""`)
			u.Run(chromedp.KeyEvent(kb.Enter))
			u.Shows("#messages", says)
		}
	}
	press := func(button, says string) func() {
		return func() {
			t.Helper()
			u.Until(fmt.Sprintf(`document.activeElement.matches("#messages .btn") && document.activeElement.textContent.startsWith(%q)`, button))
			u.Run(chromedp.KeyEvent(kb.Enter))
			if u.Text(`String(document.querySelector("#confirm").open)`) == "true" {
				u.Press("#confirm .btn:last-child", "")
			}
			u.Shows("#messages", says)
		}
	}
	step("max=7", send("Max replicas: 4 → 7"))
	step("max=12", send("Waits for one of @Lea, @Leo, until"))
	step("Approve", press("Approve", "Approved by @Lea"))
	step("undo", func() {
		// A message that comes in at that moment may close the list; the next key opens it.
		u.Until(`document.activeElement.matches("#composer")`)
		u.Run(chromedp.Evaluate[chromedp.Void](`document.activeElement.dispatchEvent(new Event("input"))`))
		u.Shows(".option", "#")
		u.Run(chromedp.KeyEvent(kb.Tab))
		send("Undoes #")()
	})
	step("staging min=1 for=1h", send("Waits for Ben to confirm"))
	step("Confirm", press("Confirm", "then back to min 0"))
	u.Until(`document.querySelectorAll("#messages .thread-link").length === 3`)
	step("clock", func() { u.Shows("#messages", "Back to min 0 since") })
	step("break-glass", send("→ 20"))
	u.Shows("#channels", "scaling-alarms")
	u.channel("scaling-alarms")
	u.Shows("#messages .btn", "Sign Review")
	u.channel("ml-oncall")
	u.thread("In force")
	u.closeThread()
	step("Terraform", func() { u.Shows("#messages", "changed again since") })
	step("min=0", send("Production never scales to zero"))
	step("prodction", send("prodction not found"))
	step("status", send("changed by "))
	step("freeze", send("Lea froze llama-70b"))
	if n := u.Text(`String(document.querySelectorAll(".step").length)`); n != strconv.Itoa(done) {
		t.Errorf("there are %s first steps, and %d were tried", n, done)
	}
	u.Quiet()
}

// What happens around the bot, with the real one: its clock moves, its policy changes,
// it says that it is stopping.
func TestWorldAroundTheBot(t *testing.T) {
	s := runSandbox(t)
	u := &user{Page: pagetest.Open(t, s.url, 1280, 900)}
	u.Theme("light")
	u.Shows("#bot-status", "Bot connected")

	u.beside("Policy")
	u.Shows(".verdict", "In force")
	u.Shows(".results", "3 tests, all passed")
	edit := func(from, to string) {
		t.Helper()
		u.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
			const box = document.querySelector("#policy-text");
			box.value = box.value.replace(%q, %q);
			box.dispatchEvent(new Event("input", { bubbles: true }));
		}`, from, to)))
		u.Press("#policy-save", "Save")
	}
	edit("after.max_replica <= 8", "after.max_replica <= 6")
	u.Shows(".verdict", "Refused")
	u.Shows(".said", "llama-70b production max=7")
	u.Shoot("policy-refused")
	u.channel("scaling-alarms")
	u.Shows("#messages", "A new version of the policy was refused")
	u.channel("ml-oncall")
	edit("after.max_replica <= 6", "after.max_replica <= 9")
	u.Shows(".verdict", "In force")
	u.Shows(".results", "3 tests, all passed")

	u.Enter(box, "/autoscale llama-70b production max=9")
	u.thread("Baseten: ACCEPTED")
	u.closeThread()
	u.Enter(box, "/autoscale llama-70b production max=12")
	u.Shows("#messages .btn", "Approve")
	u.Press("#world-button", "World")
	u.Press("#world-tray .btn", "+1 day")
	u.Press("#world-button", "World")
	u.Gone("#messages .btn", "Approve")
	u.Shows("#messages", "Expired")

	u.Press("#world-button", "World")
	u.Press("#world-tray .once", "A mention arrives late")
	u.Press("#world-button", "World")
	u.Shows("#messages .thread-link", "reply")
	u.beside("Notifications")
	u.Shows("#pings .ping", "Ana")
	u.Shoot("notifications")
	u.beside("Baseten")

	u.Press("#bot-status", "Bot connected")
	u.Press("#bot-tray .btn", "Stop the bot")
	u.Shows("#bot-status", "No bot")
	u.Press("#bot-tray .btn", "Start the bot")
	u.Shows("#bot-status", "Bot connected")
	u.Quiet()
}

var (
	picture = flag.String("picture", "", "write the picture of a thread that the README shows: "+
		"go test ./cmd/sandbox -run Picture -picture $PWD/docs/thread.png")
	formPicture = flag.String("form-picture", "", "write the picture of the form that the README shows: "+
		"go test ./cmd/sandbox -run Picture -form-picture $PWD/docs/form.png")
)

// A request, its approval and its end, as the README shows them.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("see -picture")
	}
	s := runSandbox(t)
	u := &user{Page: pagetest.Open(t, s.url, 1280, 900)}
	u.Theme("light")
	u.Shows("#bot-status", "Bot connected")
	u.Enter(box, `/autoscale llama-70b production min=6 max=12 reason="launch at noon, three times the traffic"`)
	u.as("Lea")
	u.approve()
	u.as("Ben")
	u.thread("In force after")
	u.Shows("#thread-messages", "Approved by @Lea")
	u.PictureThread(*picture, 900)
}

// The form for a change, filled in, as the README shows it.
func TestPictureOfTheForm(t *testing.T) {
	if *formPicture == "" {
		t.Skip("see -form-picture")
	}
	s := runSandbox(t)
	u := &user{Page: pagetest.Open(t, s.url, 1280, 900)}
	u.Theme("light")
	u.Shows("#bot-status", "Bot connected")
	u.Enter(box, "/autoscale status llama-70b production")
	u.Press("#messages .btn", "Change…")
	u.Shows("#modal[open]", "Max replicas")
	// The last change of a field counts: it is read when the field is left.
	u.Run(chromedp.Evaluate[chromedp.Void](`{
		const max = [...document.querySelectorAll("#modal .field, #modal label, #modal div")].filter((el) => el.textContent.trim().startsWith("Max replicas")).at(-1).parentElement.querySelector("input");
		max.focus();
		max.select();
	}`), chromedp.KeyEvent("12"), chromedp.KeyEvent(kb.Tab))
	u.choose("2 h, then back")
	u.Shows("#modal[open]", "@Lea")
	u.Shows("#modal[open]", "For 2 h, then back")
	u.Shoot("form")
	u.PictureOf("#modal", *formPicture)
}

// user is somebody at the page.
type user struct {
	*pagetest.Page
	narrow bool
}

// as acts as another person.
func (u *user) as(who string) {
	if u.narrow {
		u.Press(".tabs button", "People")
	}
	u.As(who)
	if u.narrow {
		u.Press(".tabs button", "Chat")
	}
}

// channel goes to another channel.
func (u *user) channel(name string) {
	if u.narrow {
		u.Press(".tabs button", "People")
	}
	u.Press(".channel", name) // which shows the chat
	u.Shows("#channel-head", name)
}

// beside shows one of the panes beside the chat.
func (u *user) beside(name string) {
	if u.narrow {
		u.Press(".tabs button", name)
	} else {
		u.Press(".beside-tabs .segment", name)
	}
}

// later moves the clock, by jumps of the world tray.
func (u *user) later(jumps ...string) {
	u.Press("#world-button", "World")
	for _, jump := range jumps {
		u.Press("#world-tray .btn", jump)
	}
	u.Press("#world-button", "World")
}

// choose chooses an option of the form that is open, by how it begins.
func (u *user) choose(option string) {
	u.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const fits = (o) => o.textContent.startsWith(%q);
		const select = [...document.querySelectorAll("#modal select")].find((s) => [...s.options].some(fits));
		select.value = [...select.options].find(fits).value;
		select.dispatchEvent(new Event("change", { bubbles: true }));
	}`, option)))
}

// field types into a field of the form that is open, in place of what stands there.
func (u *user) field(label, text string) {
	u.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const input = [...document.querySelectorAll("#modal label")].find((l) => l.textContent.startsWith(%q)).parentElement.querySelector("input");
		input.value = %q;
		input.dispatchEvent(new Event("input", { bubbles: true }));
	}`, label, text)))
}

// approve presses the newest Approve, and confirms.
func (u *user) approve() {
	u.Press("#messages .btn", "Approve")
	u.Press("#confirm .btn.primary", "Approve")
}

// thread opens the newest thread and waits until it says something.
func (u *user) thread(says string) {
	u.Until(`[...document.querySelectorAll("#messages > .message:not(.private):not(:has(.from-thread))")].at(-1)?.querySelector(".thread-link")`)
	u.Press("#messages .thread-link", "1 reply")
	u.Shows("#thread-messages", says)
}

func (u *user) closeThread() {
	u.Press("#thread-head button", "")
	u.Until(`document.querySelector("#thread").hidden`)
}
