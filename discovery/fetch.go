package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/invoke"
)

// maxExtensions is how many extensions of one message are asked for.
const maxExtensions = 1000

func (r *Reflection) fetchExtensions(ctx context.Context, message protoreflect.FullName) error {
	a, err := r.asker.ask(ctx, extensionNumbersQuestion(message))
	if err != nil {
		return ignoreAnswered(err)
	}
	numbers := a.numbers
	if len(numbers) > maxExtensions {
		return &DescriptorError{
			Origin: reflectionOrigin, Symbol: string(message),
			Err: fmt.Errorf("%d extensions", len(numbers)),
		}
	}
	for _, n := range numbers {
		known, err := r.pool.Extensions(ctx, message)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(known, func(x protoreflect.ExtensionDescriptor) bool { return int32(x.Number()) == n }) {
			continue
		}
		if err := r.askFiles(ctx, extensionQuestion(message, n)); err != nil && ignoreAnswered(err) != nil {
			return err
		}
	}
	return nil
}

// ignoreAnswered returns nil for a server that answered, if only with an error.
func ignoreAnswered(err error) error {
	var answered *answeredError
	if errors.Is(err, ErrNotFound) || errors.As(err, &answered) || symbol.IsDescriptorError(err) {
		return nil
	}
	return err
}

// A reflectionFetcher brings the files that the pool of a Reflection does not have.
type reflectionFetcher struct{ *Reflection }

// FetchPath implements fetcher.
func (r reflectionFetcher) FetchPath(ctx context.Context, path string) error {
	if r.noPath[path] {
		return ErrNotFound
	}
	if err := r.pool.CheckRoom(1); err != nil {
		return err
	}
	answer, err := r.asker.ask(ctx, pathQuestion(path))
	return notHad(r.takePath(path, answer, err), DescriptorError{Origin: reflectionOrigin, File: path})
}

// notHad makes what a server said in place of a file a fault of that file, so that it spoils
// only what needs the file. An error without an answer stays as it is.
func notHad(err error, at DescriptorError) error {
	var re *ReflectionError
	var answered *answeredError
	if errors.As(err, &answered) || errors.As(err, &re) && re.Status.Origin == invoke.OriginServer {
		at.Err = err
		return &at
	}
	return err
}

// FetchPaths implements fetcher.
func (r reflectionFetcher) FetchPaths(ctx context.Context, paths []string) {
	var questions []question
	for _, path := range paths {
		if !r.noPath[path] {
			questions = append(questions, pathQuestion(path))
		}
	}
	needless := func(i int) bool { return r.pool.Has(questions[i].about) }
	r.asker.askAll(ctx, questions, needless, func(i int, answer *answer, err error) bool {
		return !errors.As(r.takePath(questions[i].about, answer, err), new(*descpool.LimitError))
	})
}

// takePath adds the answer to a question for a file. The file may have another name than the
// one that was asked for: some servers know files by the path at which they were compiled.
func (r *Reflection) takePath(path string, answer *answer, err error) error {
	had := r.pool.Size()
	if err == nil {
		err = r.addFiles(answer)
	}
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
	case err == nil && r.pool.Has(path):
	case err == nil && r.pool.Size() == had+1:
		r.pool.NameLast(path)
	default:
		r.noPath[path] = true
	}
	return err
}

// FetchSymbol implements fetcher.
func (r reflectionFetcher) FetchSymbol(ctx context.Context, name protoreflect.FullName) error {
	return notHad(r.askSymbol(ctx, name), DescriptorError{Origin: reflectionOrigin, Symbol: string(name)})
}

// askSymbol asks for the file of a symbol, once.
func (r *Reflection) askSymbol(ctx context.Context, name protoreflect.FullName) error {
	if r.noSymbol[name] {
		return symbolQuestion(name).missing()
	}
	err := r.askFiles(ctx, symbolQuestion(name))
	if errors.Is(err, ErrNotFound) && name.Parent() == "" {
		err = r.askFiles(ctx, symbolQuestion("."+name)) // some servers know names outside packages in this form
	}
	if errors.Is(err, ErrNotFound) {
		r.noSymbol[name] = true
		err = symbolQuestion(name).missing()
	}
	return err
}

// askFiles asks a question whose answer is files, and adds them.
func (r *Reflection) askFiles(ctx context.Context, q question) error {
	a, err := r.asker.ask(ctx, q)
	if err != nil {
		return err
	}
	return r.addFiles(a)
}

func (r *Reflection) addFiles(a *answer) error {
	for _, raw := range a.files {
		if err := r.pool.CheckRoom(len(raw)); err != nil {
			return err
		}
		_, _, err := r.pool.Add(reflectionOrigin, raw)
		if errors.Is(err, descpool.ErrFull) {
			return &descpool.LimitError{Err: descpool.ErrFull}
		}
		if err != nil && len(r.bad) < descpool.MaxFiles {
			r.bad = append(r.bad, err)
		}
	}
	return nil
}

// prefetch implements prefetcher: it asks for all symbols that are not there yet
// without waiting for one answer before the next question.
func (r *Reflection) prefetch(ctx context.Context, names []protoreflect.FullName) {
	if r.acquire(ctx) != nil {
		return
	}
	defer r.release()
	ctx, cancel := r.limit(ctx)
	defer cancel()
	r.pool.StartLookup()
	var questions []question
	for _, n := range names {
		if !r.noSymbol[n] && !r.pool.Declares(n) && builtin.WellKnownSymbol(n) == nil {
			questions = append(questions, symbolQuestion(n))
		}
	}
	needless := func(i int) bool { return r.pool.Declares(protoreflect.FullName(questions[i].about)) }
	r.asker.askAll(ctx, questions, needless, func(i int, a *answer, err error) bool {
		if name := protoreflect.FullName(questions[i].about); errors.Is(err, ErrNotFound) && name.Parent() != "" {
			r.noSymbol[name] = true
		}
		return err != nil || r.addFiles(a) == nil
	})
}

// noteUnbounded turns the error of a lookup into the one that the caller gets. A lookup that
// needed too much is not tried again, since each attempt might fetch as much.
func (r *Reflection) noteUnbounded(name protoreflect.FullName, err error) error {
	if !errors.As(err, new(*descpool.LimitError)) {
		return err
	}
	err = descpool.AsDescriptorError(reflectionOrigin, name, err)
	r.unbounded[name] = err
	return err
}
