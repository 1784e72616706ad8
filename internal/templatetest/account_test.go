package templatetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const keyArn, boundaryArn = "arn:aws:kms:eu-central-1:123456789012:key/k", "arn:aws:iam::123456789012:policy/bound"

// What an account asks of every stack: a boundary, a path, a key of its own, and nothing in the clear.
func TestAccount_GetsWhatItAsksFor(t *testing.T) {
	t.Parallel()
	template := load(t)
	plain := evaluate(t, template)
	strict := evaluate(t, template, given{
		"PermissionsBoundaryArn": boundaryArn, "RolePath": "/redcache/", "StackKeyArn": keyArn, "ReservedConcurrency": "8",
	})
	for _, role := range []string{"DispatchRole", "RefreshRole"} {
		if p := strict.properties(role); p["PermissionsBoundary"] != boundaryArn || p["Path"] != "/redcache/" {
			t.Errorf("%s: boundary %v, path %v", role, p["PermissionsBoundary"], p["Path"])
		}
		if p := plain.properties(role); p["PermissionsBoundary"] != nil || p["Path"] != "/" {
			t.Errorf("%s: boundary %v, path %v without any asked for", role, p["PermissionsBoundary"], p["Path"])
		}
	}
	for resource, property := range map[string]string{
		"RefreshQueue": "KmsMasterKeyId", "DeadLetterQueue": "KmsMasterKeyId", "AlarmTopic": "KmsMasterKeyId",
		"DispatchLog": "KmsKeyId", "RefreshLog": "KmsKeyId",
	} {
		if got := strict.properties(resource)[property]; got != keyArn {
			t.Errorf("%s is encrypted by %v", resource, got)
		}
		if got := plain.properties(resource)[property]; got != nil {
			t.Errorf("%s is encrypted by %v, and no key was given", resource, got)
		}
	}
	for _, queue := range []string{"RefreshQueue", "DeadLetterQueue"} {
		if by := strict.properties(queue)["SqsManagedSseEnabled"]; by != false {
			t.Errorf("%s is encrypted by two keys: %v", queue, by)
		}
	}
	for _, function := range functions(strict) {
		rights := allowed(strict.rights(function))
		for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
			if !slices.Contains(rights[action], keyArn) {
				t.Errorf("%s may not use the queues' key: %v", function, rights[action])
			}
		}
	}
	if got := strict.properties("RefreshFunction")["ReservedConcurrentExecutions"]; got != "8" {
		t.Errorf("%v calls are set aside", got)
	}
	if got := plain.properties("RefreshFunction")["ReservedConcurrentExecutions"]; got != nil {
		t.Errorf("%v calls are set aside unasked", got)
	}
}

// Queues and topic take nothing in the clear; only the refreshing queue has dead letters here; only CloudWatch rings.
func TestPolicies_LetInNobodyElse(t *testing.T) {
	t.Parallel()
	s := evaluate(t, load(t), byIdentity, given{"RedshiftSecretArn": redshiftSecretArn})
	for policy, on := range map[string]string{
		"QueuePolicy": "[<RefreshQueue.Arn> <DeadLetterQueue.Arn>]", "AlarmTopicPolicy": "<AlarmTopic>",
	} {
		all := section(t, s.properties(policy), "PolicyDocument")["Statement"].([]any)
		denies := slices.ContainsFunc(all, func(of any) bool {
			p := of.(tree)
			return p["Effect"] == "Deny" && p["Principal"] == "*" && fmt.Sprint(p["Resource"]) == on &&
				fmt.Sprint(p["Condition"]) == "map[Bool:map[aws:SecureTransport:false]]"
		})
		if !denies {
			t.Errorf("%s lets plain text pass: %v", policy, all)
		}
	}
	redrive := section(t, s.properties("DeadLetterQueue"), "RedriveAllowPolicy")
	if got := fmt.Sprint(redrive["redrivePermission"], redrive["sourceQueueArns"]); got !=
		"byQueue[arn:aws:sqs:eu-central-1:123456789012:redcache-refresh]" || s.properties("RefreshQueue")["QueueName"] != "redcache-refresh" {
		t.Errorf("dead letters are taken from %s", got)
	}
	endpoints := 0
	for name, of := range s.resources() {
		if of.(tree)["Type"] != "AWS::EC2::VPCEndpoint" {
			continue
		}
		endpoints++
		service := of.(tree)["Properties"].(tree)["ServiceName"].(string)
		for _, one := range section(t, s.properties(name), "PolicyDocument")["Statement"].([]any) {
			p := one.(tree)
			if fmt.Sprint(p["Condition"]) != "map[ArnEquals:map[aws:PrincipalArn:[<DispatchRole.Arn> <RefreshRole.Arn>]]]" {
				t.Errorf("%s is open to others: %v", name, p["Condition"])
			}
			for _, action := range texts(p["Action"]) {
				of, what, _ := strings.Cut(action, ":")
				if service != "com.amazonaws.eu-central-1."+of || strings.Contains(what, "*") {
					t.Errorf("%s to %s lets %s pass", name, service, action)
				}
			}
		}
	}
	if endpoints != 4 {
		t.Errorf("%d endpoints were looked at", endpoints)
	}
}

// While the schedule is stopped on purpose, silence is no alarm.
func TestStaleAlarm_IsSilentWhileNobodyIsToLook(t *testing.T) {
	t.Parallel()
	template := load(t)
	for state, want := range map[string]string{"ENABLED": "breaching", "DISABLED": "notBreaching"} {
		if got := evaluate(t, template, given{"ScheduleState": state}).properties("StaleViewsAlarm")["TreatMissingData"]; got != want {
			t.Errorf("%s: silence is %v", state, got)
		}
	}
}

// Lambda itself repeats no call: what is due is looked for again, and sent again.
func TestFunctions_AreNotCalledAgainByLambda(t *testing.T) {
	t.Parallel()
	s := evaluate(t, load(t))
	for _, function := range functions(s) {
		if config, ok := s.properties(function)["EventInvokeConfig"].(tree); !ok || config["MaximumRetryAttempts"] != 0 {
			t.Errorf("%s: %v", function, s.properties(function)["EventInvokeConfig"])
		}
	}
}

// No name stands for one partition of AWS alone.
func TestNames_FitEveryPartition(t *testing.T) {
	t.Parallel()
	template := load(t)
	for _, partition := range []struct{ id, suffix, console string }{
		{"aws", "amazonaws.com", "console.aws.amazon.com"},
		{"aws-cn", "amazonaws.com.cn", "console.amazonaws.cn"},
		{"aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com"},
	} {
		s := evaluate(t, template, byIdentity, bySecret, given{"EndpointPrefix": "cn.com.amazonaws", "SecretKeyArn": keyArn})
		s.values["AWS::Partition"], s.values["AWS::URLSuffix"] = partition.id, partition.suffix
		all := fmt.Sprint(s.resources(), s.value(section(t, template, "Outputs")))
		for _, want := range []string{
			"secretsmanager.eu-central-1." + partition.suffix, "cn.com.amazonaws.eu-central-1.sqs", "eu-central-1." + partition.console + "/",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: there is no %s", partition.id, want)
			}
		}
		if partition.id != "aws" && strings.Contains(strings.ReplaceAll(all, workgroupArn, ""), "arn:aws:rds-db") {
			t.Errorf("%s: an ARN is of another partition", partition.id)
		}
	}
}
