package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// Codes of the failures that the engine itself finds.
const (
	// CodePanic is a step that panicked.
	CodePanic = "panic"
	// CodeGaveUp is a run during which its process died or stopped too often.
	CodeGaveUp = "gave_up"
	// CodeCancelled is a run that was cancelled with DBOS's own tools.
	CodeCancelled = "cancelled"
)

// Failure is why a run failed. A step returns one, or wraps it, to classify its
// error; the engine sets Step and stores all of it, so that a later process sees
// the same failure, only that Err has become an error without type.
type Failure struct {
	// Step is the step that failed, "" if it was the gate or the run as a whole.
	Step string
	// Code classifies the failure for programs, in the caller's own words.
	Code string
	// Permanent says that trying again will not help.
	Permanent bool
	// Err is the cause, for people.
	Err error
}

// Error returns the text of the cause.
func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Code
	}
	return f.Err.Error()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// newFailure is the failure of a step with err, with the class that err carries
// and the whole of its text.
func newFailure(step string, err error) *Failure {
	failure := &Failure{Step: step, Err: err}
	if class := (*Failure)(nil); errors.As(err, &class) {
		failure.Code, failure.Permanent = class.Code, class.Permanent
	}
	return failure
}

// stepPrefix keeps a step's name from being taken for one of DBOS's own error
// names, by which it compares errors of the type that stored returns.
const stepPrefix = "step "

// stored is f as the one error type with room for it that DBOS stores whole.
func (f *Failure) stored() error {
	return &dbos.PortableWorkflowError{
		Name: stepPrefix + f.Step, Message: f.Error(), Code: f.Code, Data: f.Permanent,
	}
}

// loadFailure is the failure that a status of DBOS tells of, nil if none.
func loadFailure(status *dbos.WorkflowStatus) *Failure {
	switch status.Status {
	case dbos.WorkflowStatusMaxRecoveryAttemptsExceeded:
		return &Failure{Code: CodeGaveUp, Err: fmt.Errorf("given up after %d interruptions", status.Attempts-1)}
	case dbos.WorkflowStatusCancelled:
		return &Failure{Code: CodeCancelled, Err: errors.New("cancelled")}
	case dbos.WorkflowStatusError:
		stored := (*dbos.PortableWorkflowError)(nil)
		if !errors.As(status.Error, &stored) {
			return &Failure{Err: status.Error}
		}
		failure := &Failure{Step: strings.TrimPrefix(stored.Name, stepPrefix), Err: errors.New(stored.Message)}
		failure.Code, _ = stored.Code.(string)
		failure.Permanent, _ = stored.Data.(bool)
		return failure
	default:
		return nil
	}
}
