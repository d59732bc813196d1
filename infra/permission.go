package infra

import (
	"slices"
	"strings"
)

const (
	pageLeast = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
	pageVia   = "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"
	pageTrust = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
)

var permissionRules = []Rule{
	{
		ID: "H3-worker", Severity: Error,
		Title: "the role of a function allows every action that its work needs",
		Why:   "The call fails at run time: messages are received and cannot be deleted, failures cannot be kept, and the task runs again until it is dead.",
		Fix:   "allow the action on the resource in the function's role",
		Page:  pageRole, check: checkWorkerNeeds,
	},
	{
		ID: "H3-producer", Severity: Error,
		Title: "the policy for web hosts allows every action that firing needs",
		Why:   "Fire fails with AccessDenied in production, and tasks of a journal wait for ever.",
		Fix:   "allow the action on the resource in the managed policy",
		Page:  pageSend, check: checkProducerNeeds,
	},
	{
		ID: "J3-actions", Severity: Warning,
		Title: "roles and policies allow nothing else",
		Why:   "Whoever takes over a function or a host can do all that its role allows: read other tasks, purge a queue, replace the code.",
		Fix:   "remove the action, or the resource; what a handler of your own calls, put into a statement that names it, and take the warning as known",
		Page:  pageLeast, check: checkExcess,
	},
	{
		ID: "J3-wildcard", Severity: Error,
		Title: "no statement has a wildcard, but for the streams of a log group, the objects below a prefix, and actions that are granted on everything only",
		Why:   "A wildcard allows what nobody has thought of: other queues, other tenants, actions that AWS adds later.",
		Fix:   "write out the actions and the ARNs",
		Page:  pageLeast, check: checkWildcards,
	},
	{
		ID: "J3-managed", Severity: Error,
		Title: "the role of a function has its own statements, and no managed policy of AWS",
		Why:   "The policies that AWS manages for Lambda allow their actions on every resource (*), and AWS changes them.",
		Fix:   "give the function a Role with the statements that it needs",
		Page:  pageLeast, check: checkManaged,
	},
	{
		ID: "J3-trust", Severity: Error,
		Title: "only Lambda can take the role of a function",
		Why:   "Whoever else the role trusts can read and write the queues as the function does.",
		Fix:   "name lambda.amazonaws.com, and nobody else, in AssumeRolePolicyDocument",
		Page:  pageTrust, check: checkTrust,
	},
	{
		ID: "J3-kms", Severity: Warning,
		Title: "a role uses a key by way of SQS and S3 only",
		Why:   "The role can decrypt whatever the key protects, wherever it was taken from.",
		Fix:   "add a condition on kms:ViaService or kms:EncryptionContext to the statement",
		Page:  pageVia, check: checkVia,
	},
}

// A grant is a set of statements and what they belong to.
type grant struct {
	at         interface{ base() Resource }
	path       string
	statements []Statement
}

// grants gives the statements of all roles and managed policies.
func (s *Stack) grants() []grant {
	var out []grant
	for i := range s.Roles {
		r := &s.Roles[i]
		out = append(out, grant{r, "Roles." + r.ID + ".Statements", r.Statements})
	}
	for i := range s.Policies {
		p := &s.Policies[i]
		out = append(out, grant{p, "Policies." + p.ID + ".Statements", p.Statements})
	}
	return out
}

// workerRoles gives the roles of functions that a queue feeds. A role that cannot be seen is reported as not checked.
func (r *run) workerRoles() []*Role {
	if !r.known("Mappings", "Functions", "Roles") {
		return nil
	}
	_ = r.known(r.mappingPaths()...) // workers that are known are judged
	var out []*Role
	for _, fn := range r.workers() {
		path := "Functions." + fn.ID + ".RoleARN"
		if !r.known(path) {
			continue
		}
		switch role := r.Role(fn.RoleARN); {
		case role == nil:
			r.skip(path, "the role "+fn.RoleARN+" is no resource of the stack")
		case !slices.Contains(out, role):
			out = append(out, role)
		}
	}
	return out
}

// ownStatements gives what a role allows by itself and by managed policies of the stack. Not whole is true when there are others.
func (s *Stack) ownStatements(r *Role) (all []Statement, foreign string) {
	all = slices.Clone(r.Statements)
	for _, arn := range r.ManagedPolicies {
		if p := find(s.Policies, func(p *ManagedPolicy) bool { return p.ARN == arn }); p != nil {
			all = append(all, p.Statements...)
		} else {
			foreign = arn
		}
	}
	return all, foreign
}

func checkWorkerNeeds(r *run) {
	if !r.needsKnown() {
		return
	}
	for _, role := range r.workerRoles() {
		path := "Roles." + role.ID
		statements, foreign := r.ownStatements(role)
		if foreign != "" {
			r.skip(path+".ManagedPolicies", "what "+foreign+" allows is not read")
			continue
		}
		if r.known(path + ".Statements") {
			r.missing(role, statements, WorkerNeeds(), r.workerPlaces(role))
		}
	}
}

// missing reports the needs that statements do not allow.
func (r *run) missing(at interface{ base() Resource }, statements []Statement, needs []Need, on places) {
	r.skipNamedKeys(on)
	for _, need := range needs {
		for _, resource := range on[need.On] {
			if !need.allowed(statements, resource) {
				r.found(at, "Statements", "%s on %s is not allowed; it is needed by %s", need.Action, r.short(resource), need.By)
			}
		}
	}
}

// skipNamedKeys reports keys whose ARN is not known: whether a statement is about them cannot be told.
func (r *run) skipNamedKeys(on places) {
	for _, path := range on[namedKeys] {
		r.skip(path, whyNamedKey)
	}
}

// short gives the logical id of an ARN of the stack, or the ARN.
func (s *Stack) short(arn string) string {
	for _, res := range s.Resources() {
		if res.ARN != "" && (arn == res.ARN || strings.HasPrefix(arn, res.ARN+":") || strings.HasPrefix(arn, res.ARN+"/")) {
			return res.ID + arn[len(res.ARN):]
		}
	}
	return arn
}

// producers gives the managed policies that let a host fire: the one that the output names, and others that are not part of the role of
// a function.
func (s *Stack) producers() []*ManagedPolicy {
	var ofWorkers []string
	for _, fn := range s.workers() {
		if role := s.Role(fn.RoleARN); role != nil {
			ofWorkers = append(ofWorkers, role.ManagedPolicies...)
		}
	}
	var out []*ManagedPolicy
	for i := range s.Policies {
		p := &s.Policies[i]
		if p == s.hostPolicy() {
			out = append(out, p)
			continue
		}
		if slices.Contains(ofWorkers, p.ARN) {
			continue
		}
		fires := slices.ContainsFunc(p.Statements, func(st Statement) bool {
			return st.Effect == "Allow" && slices.ContainsFunc(st.Actions, func(a string) bool {
				return actionMatches(a, "sqs:SendMessage") || actionMatches(a, "lambda:InvokeFunction")
			})
		})
		if fires {
			out = append(out, p)
		}
	}
	return out
}

// hostPolicy gives the policy that the output names, or nil.
func (s *Stack) hostPolicy() *ManagedPolicy {
	return find(s.Policies, func(p *ManagedPolicy) bool { return p.ARN != "" && p.ARN == s.Outputs[hostPolicy] })
}

// checkProducerNeeds asks the needs of the policy that the output names, and else of all producers together: a host may have two.
func checkProducerNeeds(r *run) {
	if !r.needsKnown() {
		return
	}
	all := r.producers()
	if named := r.hostPolicy(); named != nil {
		all = []*ManagedPolicy{named}
	}
	if len(all) == 0 {
		return
	}
	var statements []Statement
	for _, p := range all {
		statements = append(statements, p.Statements...)
	}
	r.missing(all[0], statements, ProducerNeeds(), r.producerPlaces())
}

func checkExcess(r *run) {
	if !r.needsKnown() {
		return
	}
	for _, role := range r.workerRoles() {
		if r.known("Roles." + role.ID + ".Statements") {
			statements, _ := r.ownStatements(role) // a foreign policy is an error of its own: J3-managed
			r.excess(role, statements, WorkerNeeds(), r.workerPlaces(role))
		}
	}
	for _, p := range r.producers() {
		r.excess(p, p.Statements, ProducerNeeds(), r.producerPlaces())
	}
}

// excess reports what statements allow beyond the needs. Wildcards have a rule of their own.
func (r *run) excess(at interface{ base() Resource }, statements []Statement, needs []Need, on places) {
	r.skipNamedKeys(on)
	for _, s := range statements {
		if s.Effect != "Allow" {
			continue
		}
		for _, action := range s.Actions {
			for _, resource := range s.Resources {
				if wild(action) || wildResource(resource) {
					continue
				}
				if !slices.ContainsFunc(needs, func(n Need) bool { return on.covers(n, action, resource) }) {
					r.found(at, "Statements", "%s on %s is allowed, and nothing of Offload needs it", action, r.short(resource))
				}
			}
		}
	}
}

func checkWildcards(r *run) {
	_ = r.known("Roles", "Policies") // the one list is judged without the other
	for _, g := range r.grants() {
		if !r.known(g.path) {
			continue
		}
		for _, s := range g.statements {
			if s.Effect != "Allow" {
				continue
			}
			for _, action := range s.Actions {
				if wild(action) {
					r.found(g.at, "Statements", "the action %s has a wildcard", action)
				}
			}
			for _, resource := range s.Resources {
				if wildResource(resource) && !(resource == "*" && s.noWayAround()) {
					r.found(g.at, "Statements", "the resource %s has a wildcard", resource)
				}
			}
			if len(s.NotActions)+len(s.NotResources) > 0 {
				r.found(g.at, "Statements", "NotAction and NotResource allow everything but %s", strings.Join(append(slices.Clone(s.NotActions), s.NotResources...), ", "))
			}
		}
	}
}

func checkManaged(r *run) {
	for _, role := range r.workerRoles() {
		if !r.known("Roles." + role.ID + ".ManagedPolicies") {
			continue
		}
		if _, foreign := r.ownStatements(role); foreign != "" && r.known("Policies") {
			r.found(role, "ManagedPolicies", "%s is attached", foreign)
		}
	}
}

func checkTrust(r *run) {
	for _, role := range r.workerRoles() {
		if !r.known("Roles." + role.ID + ".Trust") {
			continue
		}
		for _, s := range role.Trust {
			for _, p := range s.Principals {
				if s.Effect == "Allow" && p != "Service:lambda.amazonaws.com" {
					r.found(role, "Trust", "%s can take the role", p)
				}
			}
			if s.Effect == "Allow" && len(s.NotPrincipals) > 0 {
				r.found(role, "Trust", "everybody but %s can take the role", strings.Join(s.NotPrincipals, ", "))
			}
		}
	}
}

func checkVia(r *run) {
	_ = r.known("Roles", "Policies")
	for _, g := range r.grants() {
		if !r.known(g.path) {
			continue
		}
		for _, s := range g.statements {
			uses := slices.ContainsFunc(s.Actions, func(a string) bool { return hasPrefixFold(a, "kms:") })
			bound := slices.ContainsFunc(s.Conditions, func(c Condition) bool {
				return equalsOrLike(c.Operator) && (strings.EqualFold(c.Key, "kms:ViaService") || hasPrefixFold(c.Key, "kms:EncryptionContext"))
			})
			if s.Effect == "Allow" && uses && !bound {
				r.found(g.at, "Statements", "%s is allowed from anywhere", strings.Join(s.Actions, ", "))
			}
		}
	}
}
