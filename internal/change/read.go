package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	mostWaiting = 50
	mostPast    = 20
)

// MayRead refuses a reader who may not be shown what the bot knows (see insider): its
// error is a *Refused. It fills in who they are.
func (s *Service) MayRead(ctx context.Context, reader *authz.Person) error {
	_, err := s.insider(ctx, reader)
	return err
}

// MayAsk tells, before a form opens, whether a person could be let change anything at
// all in the channel, or in any where it is "". Why not is a *Refused, which was recorded.
func (s *Service) MayAsk(ctx context.Context, in Submission) error {
	person, people, err := s.who(ctx, in.Requester.ID)
	why := Reason{Code: PolicyDenied}
	switch {
	case errors.Is(err, ErrNobody):
		person, why.Cause = in.Requester, authz.Cause{Code: authz.CauseUnidentified}
	case err != nil:
		person, why.Code = in.Requester, WhoUnknown
	default:
		d, never := s.policy().NeverAllowed(authz.Question{Person: person, Channel: in.Channel, People: people, Now: s.now()})
		if !never {
			return nil
		}
		why.Cause = d.Cause
	}
	a := Act{Delivery: in.Delivery, Person: person, Verb: VerbChange, Message: MessageRef{Channel: in.Channel}}
	return s.refuseAct(ctx, a, nil, &Refused{Reason: why})
}

// Request returns a request as it is, or ErrNotFound, also where it was made in a private
// channel that the reader is not in.
func (s *Service) Request(ctx context.Context, reader authz.Person, id ID) (*Request, error) {
	r, err := s.store.Get(ctx, id)
	if err == nil && r.Requester.ID != reader.ID && !s.seesInto(ctx, reader, r.Channel) {
		return nil, ErrNotFound
	}
	return r, err
}

// Preview is a request that was looked at and not made.
type Preview struct {
	// Request holds target, snapshot and decision, as far as they could be found.
	Request *Request
	// Refused is why the request would end at once; its code is "" if it would not.
	Refused Reason
	// Explanation is the policy's own account, rule by rule. It is empty where the
	// policy was not asked.
	Explanation authz.Explanation
}

// Preview looks at a request as if it had been made, changing nothing.
func (s *Service) Preview(ctx context.Context, in Submission) Preview {
	r := &Request{
		Kind: KindChange, State: Requested, CreatedAt: s.now(), OwedSince: s.now(),
		Requester: in.Requester, Channel: in.Channel, Thread: in.Thread, Ask: in.Ask,
	}
	if err := s.begin(ctx); err != nil {
		return Preview{Request: r, Refused: Reason{Code: SlackAway}}
	}
	defer s.end()
	sub, no := s.lookUp(ctx, r, in.MaxAge)
	if no == nil {
		no = s.fits(r)
	}
	if no != nil {
		return Preview{Request: r, Refused: no.why}
	}
	q, d, err := s.decide(ctx, r, sub)
	out := Preview{Request: r}
	if err == nil {
		out.Explanation = s.policy().Explain(q)
	}
	switch {
	case err != nil:
		s.cfg.Log.Warn("preview", zap.Error(err))
		out.Refused = Reason{Code: Broken}
	case d.Effect == authz.Deny:
		out.Refused = s.denied(r).why
	default:
		if why, err := s.frozen(ctx, r); err == nil && why != nil {
			out.Refused = *why
		}
	}
	return out
}

// Who is who a person is, as far as deciding goes.
func (s *Service) Who(ctx context.Context, userID string) (authz.Person, authz.People, error) {
	return s.who(ctx, userID)
}

// Listed is a request among others, as one reader is shown it.
type Listed struct {
	*Request
	// Link is the address of its card, of an open review that of the review card; ""
	// where there is none, or Slack did not give it.
	Link string
	// Approvable tells that the reader's approval would count now, Signable that they could
	// sign its open review. When they press, both are judged again.
	Approvable, Signable bool
	// Own tells that the reader asked for it, Thawable that they could thaw the freeze.
	Own, Thawable bool
}

// Waiting returns the requests that wait for people, oldest first.
func (s *Service) Waiting(ctx context.Context, reader authz.Person) ([]Listed, error) {
	all, err := s.store.Pending(ctx, "", mostWaiting)
	if err != nil {
		return nil, err
	}
	return s.listed(ctx, reader, all, mostWaiting), nil
}

// Terms are what holds for a time, those that end first first.
type Terms struct {
	// Freezes are shown to everybody: they stand in everybody's way.
	Freezes []Listed
	// Temporary are changes whose settings have not gone back.
	Temporary []Listed
}

// Terms returns what holds for a time, of one model, or of all where modelID is "".
func (s *Service) Terms(ctx context.Context, reader authz.Person, modelID string) (Terms, error) {
	freezes, err := s.store.Freezes(ctx, nil, s.now())
	if err != nil {
		return Terms{}, err
	}
	held, err := s.store.Temporary(ctx, modelID, mostWaiting)
	if err != nil {
		return Terms{}, err
	}
	out := Terms{Temporary: s.listed(ctx, reader, held, mostWaiting)}
	people := s.dir.People(ctx, s.policy().Usergroups())
	for _, f := range freezes {
		if modelID == "" || f.Target.ModelID == "" || f.Target.ModelID == modelID {
			may := f.Requester.ID == reader.ID
			if !may {
				may, _ = s.policy().MayFreeze(reader, f.Channel, people)
			}
			out.Freezes = append(out.Freezes, Listed{Request: f, Thawable: may})
		}
	}
	s.link(ctx, out.Freezes[:min(len(out.Freezes), mostWaiting)]) // what ends later is listed without
	return out, nil
}

// Reviews returns the open reviews, oldest first. Each was announced in the channel for
// alarms, whatever channel it was asked in.
func (s *Service) Reviews(ctx context.Context, reader authz.Person) ([]Listed, error) {
	open, err := s.store.Unreviewed(ctx, mostWaiting)
	if err != nil {
		return nil, err
	}
	out := make([]Listed, len(open))
	people := s.dir.People(ctx, s.policy().Usergroups())
	for i, r := range open {
		out[i] = Listed{Request: r, Signable: s.maySign(ctx, reader, people, r)}
	}
	s.link(ctx, out)
	return out, nil
}

// Home is what a person is shown who opens the bot's own page. Each list may be empty.
type Home struct {
	// Approvable could be approved by them now, oldest first.
	Approvable []Listed
	// Own are their requests that have not ended, or did within a day, newest first.
	Own     []Listed
	Reviews []Listed
	// Recent are what else reached Baseten within a day, what was sent last first.
	Recent []Listed
	Terms  Terms
}

// recently is how far back Home looks.
const recently = 24 * time.Hour

// Home reads what a person is shown on their page.
func (s *Service) Home(ctx context.Context, reader authz.Person) (Home, error) {
	var out Home
	since := s.now().Add(-recently)
	waiting, err := s.Waiting(ctx, reader)
	if err != nil {
		return out, err
	}
	out.Approvable = slices.DeleteFunc(waiting, func(r Listed) bool { return !r.Approvable })
	own, err := s.store.Own(ctx, reader.ID, since, mostPast)
	if err != nil {
		return out, err
	}
	out.Own = s.listed(ctx, reader, own, mostPast)
	if out.Reviews, err = s.Reviews(ctx, reader); err != nil {
		return out, err
	}
	if out.Terms, err = s.Terms(ctx, reader, ""); err != nil {
		return out, err
	}
	recent, err := s.store.Reached(ctx, "", "", mostWaiting)
	if err != nil {
		return out, err
	}
	recent = slices.DeleteFunc(recent, func(r *Request) bool {
		return r.SentAt.Before(since) || r.Requester.ID == reader.ID || r.Review.Open
	})
	out.Recent = s.listed(ctx, reader, recent, mostPast)
	return out, nil
}

const (
	// showWithin bounds how long a list waits for what Slack knows of it: who is in a
	// channel, where a card is. Without it the list is shorter, or has no link.
	showWithin = 4 * time.Second
	// shownFor is how old what is known of a requester may be where it only decides
	// whether a list offers buttons.
	shownFor = 5 * time.Minute
)

// listed makes a list of those requests that its reader may see, at most limit.
func (s *Service) listed(ctx context.Context, reader authz.Person, all []*Request, limit int) []Listed {
	all = s.visible(ctx, reader, all)
	out := make([]Listed, min(len(all), limit))
	people := s.dir.People(ctx, s.policy().Usergroups())
	for i := range out {
		out[i] = Listed{Request: all[i], Approvable: s.mayApprove(ctx, reader, people, all[i]), Own: all[i].Requester.ID == reader.ID}
	}
	s.link(ctx, out)
	return out
}

// visible keeps the reader's own requests and those of channels that they can look into:
// public ones, and private ones that they are in. Where that cannot be told they cannot.
func (s *Service) visible(ctx context.Context, reader authz.Person, all []*Request) []*Request {
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	see := make(map[string]*bool)
	var asks []func()
	for _, r := range all {
		if r.Requester.ID == reader.ID || see[r.Channel] != nil {
			continue
		}
		found := new(bool)
		see[r.Channel] = found
		asks = append(asks, func() { *found = s.seesInto(ctx, reader, r.Channel) })
	}
	together(asks...)
	return slices.DeleteFunc(slices.Clone(all), func(r *Request) bool {
		return r.Requester.ID != reader.ID && !*see[r.Channel]
	})
}

func (s *Service) seesInto(ctx context.Context, reader authz.Person, channel string) bool {
	place, err := s.dir.Place(ctx, channel)
	if err != nil {
		return false
	}
	if !place.Private && !place.Direct {
		return true
	}
	in, err := s.dir.Present(ctx, channel)
	return err == nil && in[reader.ID]
}

// mayApprove reports whether a press of the reader on [Approve Change] would count, as far
// as that is known without asking Baseten.
func (s *Service) mayApprove(ctx context.Context, reader authz.Person, people authz.People, r *Request) bool {
	if r.State != Pending || !s.now().Before(r.ExpiresAt) || r.Decision.Effect != authz.Approve ||
		slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.Person.ID == reader.ID }) {
		return false
	}
	d, ok := s.couldApprove(ctx, reader, people, r)
	return ok && d.Effect == authz.Approve
}

// maySign reports whether the reader could sign an open review.
func (s *Service) maySign(ctx context.Context, reader authz.Person, people authz.People, r *Request) bool {
	_, ok := s.couldApprove(ctx, reader, people, r)
	return ok
}

// couldApprove puts a request to the policy of this moment, and reports whether the
// reader is one of those who could approve it.
func (s *Service) couldApprove(ctx context.Context, reader authz.Person, people authz.People, r *Request) (authz.Decision, bool) {
	requester, err := s.dir.Person(ctx, r.Requester.ID, shownFor)
	if err != nil || reader.ID == r.Requester.ID {
		return authz.Decision{}, false
	}
	q := s.question(r, requester, people)
	d := s.policy().Decide(q)
	may, _ := s.policy().MayApprove(q, d, reader)
	return d, may
}

// link finds the addresses of the cards.
func (s *Service) link(ctx context.Context, list []Listed) {
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	asks := make([]func(), len(list))
	for i, r := range list {
		ref := r.Messages.Card.Ref
		if r.Review.Open {
			ref = r.Messages.Review.Ref
		}
		asks[i] = func() { list[i].Link = s.chat.Link(ctx, ref) }
	}
	together(asks...)
}

// LinkOf is the address of a request's card for a reader, "" where there is none or they
// may not see it.
func (s *Service) LinkOf(ctx context.Context, reader authz.Person, id ID) string {
	r, err := s.store.Get(ctx, id)
	if err != nil {
		return ""
	}
	if list := s.listed(ctx, reader, []*Request{r}, 1); len(list) > 0 {
		return list[0].Link
	}
	return ""
}

// TargetOf names what a request changes, by IDs, as Status takes them.
func (s *Service) TargetOf(ctx context.Context, id ID) (model, target, kind string, err error) {
	r, err := s.store.Get(ctx, id)
	if err != nil {
		return "", "", "", err
	}
	model, target, kind = sameTarget(r)
	return model, target, kind, nil
}

// ModelStatus is one model as it is now, with what the bot knows beside it.
type ModelStatus struct {
	Model   baseten.Model
	Targets baseten.Targets
	// Prices are what is known of them at once.
	Prices  baseten.PriceList
	Pending []Listed
	// Last holds requests of this model that reached Baseten, what was sent last first.
	Last  []Listed
	Terms Terms
}

// pricesShown bounds how long a status waits for list prices that are not cached.
const pricesShown = time.Second

// Status reads a model. Its error is a *Refused where the name is to blame, or
// Baseten.
func (s *Service) Status(ctx context.Context, reader authz.Person, model string) (ModelStatus, error) {
	var out ModelStatus
	var err error
	together(
		func() {
			if out.Model, err = s.names.ResolveModel(ctx, model); err == nil {
				out.Targets, err = s.names.Targets(ctx, out.Model.ID)
			}
		},
		func() {
			ctx, cancel := context.WithTimeout(ctx, pricesShown)
			defer cancel()
			out.Prices, _ = s.prices.List(ctx) // without it there is no price
		})
	if err != nil {
		return out, &Refused{Reason: NameProblem(err)}
	}
	waiting, err := s.store.Pending(ctx, out.Model.ID, mostWaiting)
	if err != nil {
		return out, fmt.Errorf("read pending requests of %s: %w", out.Model.ID, err)
	}
	last, err := s.store.Reached(ctx, out.Model.ID, "", mostWaiting)
	if err != nil {
		return out, fmt.Errorf("read past requests of %s: %w", out.Model.ID, err)
	}
	if out.Terms, err = s.Terms(ctx, reader, out.Model.ID); err != nil {
		return out, fmt.Errorf("read what holds for a time on %s: %w", out.Model.ID, err)
	}
	out.Pending, out.Last = s.listed(ctx, reader, waiting, mostWaiting), s.listed(ctx, reader, last, mostWaiting)
	return out, nil
}

// PastQuery says which past requests somebody asks for, in words that they typed.
type PastQuery struct {
	// All is for those too that never reached Baseten.
	All bool
	// Model and Target may be ""; Kind is the target's.
	Model, Kind, Target string
}

// Past returns past requests, newest first: all, a model's, or a target's. Those whose
// target was never found are not among them. Its error is a *Refused where the name is to
// blame, or Baseten.
func (s *Service) Past(ctx context.Context, reader authz.Person, q PastQuery) ([]Listed, error) {
	modelID, target, err := s.pastOf(ctx, q)
	if err != nil {
		return nil, &Refused{Reason: NameProblem(err)}
	}
	var past []*Request
	switch {
	case !q.All:
		past, err = s.store.Reached(ctx, modelID, target, mostWaiting)
	case modelID == "":
		past, err = s.store.Resolved(ctx, mostWaiting)
	default:
		past, err = s.store.History(ctx, modelID, target, mostWaiting)
	}
	if err != nil {
		return nil, err
	}
	return s.listed(ctx, reader, past, mostPast), nil
}

// pastOf finds what a query names, as the store asks for it.
func (s *Service) pastOf(ctx context.Context, q PastQuery) (modelID, target string, err error) {
	if q.Model == "" {
		return "", "", nil
	}
	m, err := s.names.ResolveModel(ctx, q.Model)
	if err != nil || q.Target == "" {
		return m.ID, "", err
	}
	targets, err := s.names.Targets(ctx, m.ID)
	if err != nil {
		return m.ID, "", err
	}
	found, err := targets.Resolve(q.Kind, q.Target)
	if err != nil {
		return m.ID, "", err
	}
	t := found.Target()
	return m.ID, cmp.Or(t.Environment, t.DeploymentID), nil
}
