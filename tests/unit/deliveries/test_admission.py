"""Which questions of auctions are asked next: by endpoint, by workspace, and while an answer can come in time."""

from distribution.deliveries.bidding.admission import PROMPT_SECONDS, Admission, Request

NOISY, QUIET, THIRD = 1, 2, 3
START = 1_000.0
WAITED = START + PROMPT_SECONDS + 0.01


def make(threads: int = 8, **seconds_of: float) -> Admission[str]:
    """`seconds_of`: what the endpoints take, as e7=1.5."""
    return Admission(threads, find_seconds=lambda endpoint_id: seconds_of.get(f"e{endpoint_id}", 0.0))


def request(
    work: str,
    *,
    workspace_id: int = NOISY,
    endpoint_id: int = 7,
    most: int = 100,
    claimed_at: float = START,
    seconds: float = 2.0,
) -> Request[str]:
    return Request(
        work=work,
        workspace_id=workspace_id,
        endpoint_id=endpoint_id,
        most=most,
        claimed_at=claimed_at,
        deadline=claimed_at + seconds,
    )


def fill(admission: Admission[str], count: int, **columns: int) -> None:
    for number in range(count):
        admission.add(request(str(number), **columns))


def take_all(admission: Admission[str], now: float = START) -> list[Request[str]]:
    found = []
    while (taken := admission.take(now)) is not None:
        found.append(taken)
    return found


def works(requests: list[Request[str]]) -> list[str]:
    return [each.work for each in requests]


def test_questions_run_in_their_order() -> None:
    admission = make()
    admission.add(request("late", endpoint_id=1, claimed_at=START + 0.02))
    admission.add(request("early", endpoint_id=2, claimed_at=START + 0.01))
    admission.add(request("second", endpoint_id=2, claimed_at=START + 0.03))
    assert works(take_all(admission, START + 0.05)) == ["early", "late", "second"]


def test_question_waits_for_a_request_of_its_endpoint() -> None:
    admission = make()
    fill(admission, 3, most=2)
    first, second = take_all(admission)
    assert (first.work, second.work, admission.has_slot(first)) == ("0", "1", False)
    assert admission.give_up(WAITED) == []
    admission.end(first)
    assert works(take_all(admission, WAITED)) == ["2"]
    assert not admission.has_waiting


def test_full_endpoint_holds_up_no_other_one() -> None:
    admission = make()
    fill(admission, 3, most=1)
    admission.add(request("other", endpoint_id=8, claimed_at=START + 0.01))
    assert works(take_all(admission, START + 0.02)) == ["0", "other"]


def test_workspace_holds_at_most_half_of_the_threads() -> None:
    admission = make(threads=8)
    fill(admission, 20)
    assert len(take_all(admission)) == 4
    admission.add(request("quiet", workspace_id=QUIET, endpoint_id=8))
    assert works(take_all(admission)) == ["quiet"]


def test_each_noisy_workspace_leaves_threads_for_one_more() -> None:
    admission = make(threads=8)
    for workspace_id in (NOISY, QUIET, THIRD):
        fill(admission, 20, workspace_id=workspace_id, endpoint_id=workspace_id)
    held = take_all(admission)
    assert admission.free > 0
    assert {each.workspace_id for each in held} == {NOISY, QUIET, THIRD}


def test_ended_requests_make_room_again() -> None:
    admission = make(threads=4)
    fill(admission, 6)
    for taken in take_all(admission):
        admission.end(taken)
    assert admission.free == 4
    assert works(take_all(admission)) == ["2", "3"]


def test_one_thread_is_used() -> None:
    admission = make(threads=1)
    fill(admission, 2)
    [taken] = take_all(admission)
    admission.end(taken)
    assert works(take_all(admission)) == ["1"]


def test_waiting_question_is_given_up_when_its_answer_would_be_late() -> None:
    admission = make(e7=1.4)
    fill(admission, 2, most=1)
    [running] = take_all(admission)
    assert admission.give_up(START + 0.59) == []
    assert works(admission.give_up(START + 0.61)) == ["1"]
    admission.end(running)
    assert take_all(admission, START + 0.61) == []
    assert not admission.has_waiting


def test_question_that_is_too_late_is_not_taken_and_then_given_up() -> None:
    """The thread that frees the endpoint may come before the writer that gives up."""
    admission = make(e7=1.4)
    fill(admission, 3, most=1)
    [running] = take_all(admission)
    admission.end(running)
    assert take_all(admission, START + 1.4) == []
    assert sorted(works(admission.give_up(START + 1.4))) == ["1", "2"]
    assert admission.give_up(START + 1.4) == []


def test_slow_system_is_asked_if_it_does_not_have_to_wait() -> None:
    admission = make(e7=60.0)
    fill(admission, 1)
    assert admission.give_up(START + PROMPT_SECONDS / 2) == []
    assert works(take_all(admission, START + PROMPT_SECONDS / 2)) == ["0"]


def test_question_is_given_up_at_its_deadline() -> None:
    admission = make()
    admission.add(request("short", seconds=0.05))
    assert take_all(admission, START + 0.05) == []
    assert works(admission.give_up(START + 0.05)) == ["short"]


def test_late_answer_is_waited_for_while_threads_are_idle() -> None:
    admission = make(threads=8)
    fill(admission, 1)
    [first] = take_all(admission)
    assert admission.may_wait_late(first)
    fill(admission, 2)
    take_all(admission)
    assert not admission.may_wait_late(first), "three of eight threads are held"


def test_late_answers_hold_half_of_an_endpoint() -> None:
    admission = make(threads=80)
    fill(admission, 3, most=4)
    first = admission.take(START)
    assert first is not None
    take_all(admission)
    assert not admission.may_wait_late(first)
    admission.end(first)
    assert admission.may_wait_late(first)


def test_late_answer_of_an_endpoint_with_one_request_is_waited_for() -> None:
    admission = make()
    fill(admission, 1, most=1)
    [only] = take_all(admission)
    assert admission.may_wait_late(only)
