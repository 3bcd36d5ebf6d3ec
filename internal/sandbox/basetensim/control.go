package basetensim

import (
	"errors"
	"fmt"
	"slices"
)

// The methods of this file make things happen that did not come through the
// API: traffic, builds, promotions, other people. They return an error if a
// thing does not exist or could not happen.

// SetLoad sets the number of requests in flight; replicas follow.
func (s *Server) SetLoad(modelID, deploymentID string, inFlight int) error {
	return s.onDeployment(modelID, deploymentID, func(d *deployment) error {
		d.inFlight = max(inFlight, 0)
		s.tend(d)
		return nil
	})
}

// SetStatus makes the deployment show a status word until told otherwise;
// ACTIVE or the empty word lets it run again, which carries out what was
// queued. Replicas stop under the words of a deployment that is down.
func (s *Server) SetStatus(modelID, deploymentID, word string) error {
	return s.onDeployment(modelID, deploymentID, func(d *deployment) error {
		d.tell(word)
		if !d.undeployed() && d.settings == nil {
			first := DefaultSettings()
			if d.env != nil {
				first = d.env.inForce()
			}
			d.settings = &first
		}
		if !d.busy() && !d.undeployed() {
			queued := d.queued
			d.queued = nil
			for _, apply := range queued {
				apply()
			}
		}
		s.tend(d)
		return nil
	})
}

// ChangeDeploymentBehindTheBack changes a deployment's settings as Colleague would,
// from Baseten's own pages: at once, and in no list of calls.
func (s *Server) ChangeDeploymentBehindTheBack(modelID, deploymentID string, c Changes) error {
	return s.onDeployment(modelID, deploymentID, func(d *deployment) error {
		before := DefaultSettings()
		if d.settings != nil {
			before = *d.settings
		}
		if refusal := c.check(before, 0); refusal != "" {
			return errors.New("basetensim: " + refusal)
		}
		s.changeDeployment(d, before.with(c), Colleague)
		s.tend(d)
		return nil
	})
}

// ChangeEnvironmentBehindTheBack changes an environment's settings, and its
// serving deployment's, as Colleague would.
func (s *Server) ChangeEnvironmentBehindTheBack(modelID, name string, c Changes) error {
	return s.ChangeEnvironmentAs(Colleague, modelID, name, c)
}

// ChangeEnvironmentAs changes an environment's settings, and its serving deployment's,
// as somebody else: at once, and in no list of calls.
func (s *Server) ChangeEnvironmentAs(by Actor, modelID, name string, c Changes) error {
	return s.onEnvironment(modelID, name, func(e *environment) error {
		if refusal := c.check(e.settings, 0); refusal != "" {
			return errors.New("basetensim: " + refusal)
		}
		s.changeEnvironment(e, e.settings.with(c), by)
		s.push(e, e.current, by)
		return nil
	})
}

// HidePrices empties the price list, or shows it again.
func (s *Server) HidePrices(hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pricesHidden = hidden
	s.touch()
}

// RenameModel gives a model another name.
func (s *Server) RenameModel(modelID, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modelByID[modelID]
	if m == nil {
		return fmt.Errorf("basetensim: no model %s", modelID)
	}
	m.name = name
	s.touch()
	return nil
}

// RenameDeployment gives a deployment another name.
func (s *Server) RenameDeployment(modelID, deploymentID, name string) error {
	return s.onDeployment(modelID, deploymentID, func(d *deployment) error {
		d.name = name
		return nil
	})
}

// RemoveModel deletes a model with all that is in it.
func (s *Server) RemoveModel(modelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.modelByID[modelID] == nil {
		return fmt.Errorf("basetensim: no model %s", modelID)
	}
	delete(s.modelByID, modelID)
	s.models = slices.DeleteFunc(s.models, func(m *model) bool { return m.id == modelID })
	s.touch()
	return nil
}

// RemoveDeployment deletes a deployment that serves nothing.
func (s *Server) RemoveDeployment(modelID, deploymentID string) error {
	return s.onDeployment(modelID, deploymentID, func(d *deployment) error {
		m := d.model
		busy := slices.ContainsFunc(m.environments, func(e *environment) bool { return e.current == d || e.candidate == d })
		if busy {
			return fmt.Errorf("basetensim: deployment %s serves an environment or is being promoted", deploymentID)
		}
		m.deployments = slices.DeleteFunc(m.deployments, func(o *deployment) bool { return o == d })
		return nil
	})
}

func (s *Server) onDeployment(modelID, deploymentID string, f func(*deployment) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.findDeployment(modelID, deploymentID)
	if err != nil {
		return err
	}
	if err := f(d); err != nil {
		return err
	}
	s.touch()
	return nil
}

func (s *Server) onEnvironment(modelID, name string, f func(*environment) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.findEnvironment(modelID, name)
	if err != nil {
		return err
	}
	if err := f(e); err != nil {
		return err
	}
	s.touch()
	return nil
}
