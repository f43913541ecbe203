------------------------------ MODULE TwoPhase ------------------------------
\* Two-phase commit (Gray and Lamport 2006).
\*
\* Written by Lockstep from the spec two-phase; the same for all bounds, which the configuration gives.
\* A step that would exceed a bound is not taken. A guard (a \/ b) = TRUE is one guard: TLC takes a bare disjunction
\* for two steps and would count both. States without a successor are no errors (CHECK_DEADLOCK FALSE).
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS Node
\* Node: A server of the ensemble or quorum

\* The resource managers, the transaction manager and the messages sent.
VARIABLES vote, decision, prepared, prepared_sent, commit_sent, abort_sent
vars == <<vote, decision, prepared, prepared_sent, commit_sent, abort_sent>>

\* What a resource manager has decided.
Vote == {"WORKING", "PREPARED", "COMMITTED", "ABORTED"}

\* What the transaction manager has decided.
Decision == {"INIT", "COMMITTED", "ABORTED"}

\* The types of the variables.
TypeOK ==
  /\ vote \in [Node -> Vote]
  /\ decision \in Decision
  /\ prepared \in [Node -> BOOLEAN]
  /\ prepared_sent \subseteq [manager : Node]
  /\ commit_sent \subseteq [decided : BOOLEAN]
  /\ abort_sent \subseteq [decided : BOOLEAN]

Init ==
  /\ vote = [n \in Node |-> "WORKING"]
  /\ decision = "INIT"
  /\ prepared = [n \in Node |-> FALSE]
  /\ prepared_sent = {}
  /\ commit_sent = {}
  /\ abort_sent = {}

\* The transaction manager receives a Prepared message while it is undecided. TMRcvPrepared.
ReceivePrepared ==
  \E message \in prepared_sent :
     /\ decision = "INIT"
     /\ prepared' = [prepared EXCEPT ![message.manager] = TRUE]
     /\ UNCHANGED <<vote, decision, prepared_sent, commit_sent, abort_sent>>

\* The transaction manager commits once every resource manager is prepared. TMCommit.
DecideCommit ==
  /\ decision = "INIT"
  /\ \A r \in Node : prepared[r]
  /\ decision' = "COMMITTED"
  /\ commit_sent' = commit_sent \cup {[decided |-> TRUE]}
  /\ UNCHANGED <<vote, prepared, prepared_sent, abort_sent>>

\* The transaction manager aborts while it is undecided. TMAbort.
DecideAbort ==
  /\ decision = "INIT"
  /\ decision' = "ABORTED"
  /\ abort_sent' = abort_sent \cup {[decided |-> TRUE]}
  /\ UNCHANGED <<vote, prepared, prepared_sent, commit_sent>>

\* A working resource manager prepares and says so. RMPrepare.
Prepare(manager) ==
  /\ vote[manager] = "WORKING"
  /\ vote' = [vote EXCEPT ![manager] = "PREPARED"]
  /\ prepared_sent' = prepared_sent \cup {[manager |-> manager]}
  /\ UNCHANGED <<decision, prepared, commit_sent, abort_sent>>

\* A working resource manager aborts on its own. RMChooseToAbort.
ChooseToAbort(manager) ==
  /\ vote[manager] = "WORKING"
  /\ vote' = [vote EXCEPT ![manager] = "ABORTED"]
  /\ UNCHANGED <<decision, prepared, prepared_sent, commit_sent, abort_sent>>

\* A resource manager is told to commit. RMRcvCommitMsg.
ReceiveCommit(manager) ==
  \E message \in commit_sent :
     /\ vote' = [vote EXCEPT ![manager] = "COMMITTED"]
     /\ UNCHANGED <<decision, prepared, prepared_sent, commit_sent, abort_sent>>

\* A resource manager is told to abort. RMRcvAbortMsg.
ReceiveAbort(manager) ==
  \E message \in abort_sent :
     /\ vote' = [vote EXCEPT ![manager] = "ABORTED"]
     /\ UNCHANGED <<decision, prepared, prepared_sent, commit_sent, abort_sent>>

Next ==
  \/ ReceivePrepared
  \/ DecideCommit
  \/ DecideAbort
  \/ \E manager \in Node : Prepare(manager)
  \/ \E manager \in Node : ChooseToAbort(manager)
  \/ \E manager \in Node : ReceiveCommit(manager)
  \/ \E manager \in Node : ReceiveAbort(manager)

Spec == Init /\ [][Next]_vars

\* No resource manager has committed while another has aborted (TCConsistent).
ManagersAgree ==
  \A a, b \in Node : ~(vote[a] = "COMMITTED" /\ vote[b] = "ABORTED")

\* All resource managers have committed.
EverybodyCommits == \A r \in Node : vote[r] = "COMMITTED"

\* Must be violated: it is reachable.
NeverEverybodyCommits == ~EverybodyCommits

\* All resource managers have aborted.
EverybodyAborts == \A r \in Node : vote[r] = "ABORTED"

\* Must be violated: it is reachable.
NeverEverybodyAborts == ~EverybodyAborts

==============================================================================
