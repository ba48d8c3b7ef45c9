// Package credential finds out who calls: from the flags for tokens and passwords, the
// environment, netrc files, programs that print tokens, and the person at the terminal.
package credential

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// Flags are the flags that say who calls. None of them takes a secret itself: each names the
// place of one.
type Flags struct {
	bearerFile, bearerEnv, Command   nonEmpty
	basic, passwordFile, passwordEnv nonEmpty
	netrc                            bool
	Plaintext                        bool // secrets may go to another machine without TLS

	asked askedPassword // for basic, when no flag has the password
}

// A nonEmpty is the value of a flag that must not be empty. A script whose variable is unset
// would otherwise make a call without credentials.
type nonEmpty string

// String returns the text.
func (g *nonEmpty) String() string { return string(*g) }

// Type names the kind of value in help.
func (g *nonEmpty) Type() string { return "string" }

// Set accepts a text.
func (g *nonEmpty) Set(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	*g = nonEmpty(s)
	return nil
}

// Names are the flags that say who calls, of which at most one may be given.
var Names = []string{"bearer-file", "bearer-env", "basic", "netrc", "auth-command"}

// Add defines the flags.
func (o *Flags) Add(f *pflag.FlagSet) {
	o.asked.asking = make(chan struct{}, 1)
	f.Var(&o.bearerFile, "bearer-file", "send the token in `FILE` as authorization: Bearer")
	f.Var(&o.bearerEnv, "bearer-env", "send the token in the environment variable `NAME`")
	f.Var(&o.basic, "basic", "authorization: Basic for `USER`; the password is asked for, unless a flag below has it")
	f.Var(&o.passwordFile, "password-file", "`FILE` with the password for --basic")
	f.Var(&o.passwordEnv, "password-env", "environment variable `NAME` with the password for --basic")
	f.BoolVar(&o.netrc, "netrc", false, "user and password from ~/.netrc, or the file that NETRC names")
	f.Var(&o.Command, "auth-command",
		"send the token that `COMMAND` prints; it is run again when the server refuses the token")
	f.BoolVar(&o.Plaintext, "plaintext-credentials", false, "send credentials to another machine even without TLS")
}

// Chosen returns those of Names that were given.
func (o *Flags) Chosen() []string {
	var names []string
	for i, is := range []bool{o.bearerFile != "", o.bearerEnv != "", o.basic != "", o.netrc, o.Command != ""} {
		if is {
			names = append(names, Names[i])
		}
	}
	return names
}

// Check returns a usage error for flags that do not go together.
func (o *Flags) Check() error {
	chosen := o.Chosen()
	switch {
	case len(chosen) > 1:
		return problem.Usage(fmt.Errorf("--%s and --%s both say who calls", chosen[0], chosen[1]), "")
	case o.basic == "" && (o.passwordFile != "" || o.passwordEnv != ""):
		return problem.Usage(errors.New("a password needs a user"), "--basic USER")
	case o.passwordFile != "" && o.passwordEnv != "":
		return problem.Usage(errors.New("--password-file and --password-env both name the password"), "")
	}
	return nil
}

// Authorization returns the value of the header authorization for a target. It is "" when no
// flag says who calls, and session.Later when a program or a person has to be asked.
func (o *Flags) Authorization(ctx context.Context, env *env.Env, t *invoke.Target) (value string, err error) {
	defer func() {
		if value != session.Later {
			env.Secrets.Add(value)
		}
	}()
	switch {
	case o.bearerFile != "":
		token, err := ReadFile(ctx, string(o.bearerFile))
		if err != nil {
			return "", problem.FlagFile("--bearer-file", err)
		}
		return bearer("--bearer-file", token)
	case o.bearerEnv != "":
		token, err := variable(env, "--bearer-env", o.bearerEnv)
		if err != nil {
			return "", err
		}
		return bearer("--bearer-env", token)
	case o.basic != "":
		return o.basicAuth(ctx, env)
	case o.netrc:
		return netrcAuth(ctx, env, t)
	case o.Command != "":
		return session.Later, program.MayStart(env, "auth-command", string(o.Command))
	}
	return "", nil
}

// Authorizer returns the function that gets the value for which Authorization returned
// session.Later. A program is run for each target, and can read which one it is; a person is
// asked once for all targets of a command line.
func (o *Flags) Authorizer(env *env.Env, t *invoke.Target) func(ctx context.Context, fresh bool) (string, error) {
	return func(ctx context.Context, _ bool) (value string, err error) {
		if o.Command != "" {
			token, rerr := program.PrintedToken(ctx, env, string(o.Command), t)
			if rerr != nil {
				return "", fmt.Errorf("--auth-command: %w", rerr)
			}
			value, err = bearer("--auth-command", token)
		} else {
			value, err = o.asked.basic(ctx, env, string(o.basic))
		}
		env.Secrets.Add(value)
		return value, err
	}
}

// An askedPassword is a password that a person is asked for at most once. It is safe for
// concurrent use by the calls to several targets.
type askedPassword struct {
	asking chan struct{} // a lock: holds an element during the question
	asked  bool
	value  string
	err    error // when the person gave none
}

// basic returns the value for a user. The first caller asks for the password; the others
// wait for that until their own ctx is done.
func (p *askedPassword) basic(ctx context.Context, env *env.Env, user string) (string, error) {
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if !p.asked {
		p.value, p.err = askPassword(ctx, env, fmt.Sprintf("password of %s: ", user))
		p.asked = p.err == nil || ctx.Err() == nil
	}
	if p.err != nil {
		return "", p.err
	}
	return basic(user, p.value), nil
}

// basicAuth returns the value for --basic.
func (o *Flags) basicAuth(ctx context.Context, env *env.Env) (string, error) {
	if strings.ContainsAny(string(o.basic), ":\r\n") {
		return "", problem.Usage(errors.New("--basic: a user has no colon (RFC 7617); the password goes elsewhere"),
			"--password-file FILE or --password-env NAME")
	}
	switch {
	case o.passwordFile != "":
		password, err := ReadFile(ctx, string(o.passwordFile))
		if err != nil {
			return "", problem.FlagFile("--password-file", err)
		}
		return basic(string(o.basic), password), nil
	case o.passwordEnv != "":
		password, err := variable(env, "--password-env", o.passwordEnv)
		if err != nil {
			return "", err
		}
		return basic(string(o.basic), password), nil
	}
	return session.Later, nil
}

// basic returns the value of authorization for a user and a password (RFC 7617).
func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// bearer returns the value of authorization for a token. A token that contains its scheme,
// such as "Bearer x", is the whole value. from is the flag that the token came from.
func bearer(from, token string) (string, error) {
	token = strings.TrimSpace(token)
	switch {
	case token == "":
		return "", problem.Usage(fmt.Errorf("%s: no token", from), "")
	case !invoke.ValidText(token):
		return "", problem.Usage(fmt.Errorf("%s: the token is not one line of printable ASCII", from), "")
	case strings.HasPrefix(token, "{"):
		return "", problem.Usage(fmt.Errorf("%s: that is JSON, and not a token", from),
			"take the token out of it, as jq -r .access_token does")
	case strings.Contains(token, " "):
		return token, nil
	}
	return "Bearer " + token, nil
}

// maxSecret bounds a file with a secret, in bytes.
const maxSecret = 64 << 10

// ReadFile reads a secret of at most maxSecret bytes from a file, without the line feeds
// at its end.
func ReadFile(ctx context.Context, path string) (string, error) {
	b, err := boundfile.Read(ctx, path, maxSecret)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// variable returns the value of the environment variable that a flag names.
func variable(env *env.Env, flag string, name nonEmpty) (string, error) {
	if !IsVariable(string(name)) {
		return "", problem.Usage(NotVariable(flag), "give the name, and keep the secret in the variable")
	}
	value, ok := env.LookupEnv(string(name))
	if !ok {
		return "", problem.Usage(fmt.Errorf("%s: the environment has no variable %q", flag, name), "")
	}
	return value, nil
}

// IsVariable reports whether a text can be the name of a variable, rather than the secret
// itself.
func IsVariable(name string) bool {
	return !strings.ContainsAny(name, " \t\r\n=") && !secret.Value(name)
}

// NotVariable returns the error for a setting that must name a variable. It does not show
// the value, which may be a secret.
func NotVariable(setting string) error {
	return fmt.Errorf("%s: this is not the name of a variable", setting)
}
