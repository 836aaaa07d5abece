from gpu_peer.transports.heartbeat import INTERVAL_S, MISSES, Liveness, Pulse


def test_silence_is_asked_about_and_then_means_the_end() -> None:
    liveness = Liveness(0.0)
    pulses = [liveness.tick(second * 0.5, 0) for second in range(2 * INTERVAL_S * MISSES + 1)]
    assert pulses[-1] is Pulse.DEAD
    assert pulses.count(Pulse.ASK) == MISSES - 1
    assert pulses.index(Pulse.ASK) == 2 * INTERVAL_S


def test_anything_that_comes_is_a_sign_of_life() -> None:
    liveness = Liveness(0.0)
    for frames in range(1, 20):
        assert liveness.tick(frames * (INTERVAL_S - 0.1), frames) is Pulse.WAIT


def test_who_answers_lives_on() -> None:
    liveness, frames, asked = Liveness(0.0), 0, 0
    for second in range(100):
        pulse = liveness.tick(float(second), frames)
        assert pulse is not Pulse.DEAD
        if pulse is Pulse.ASK:
            asked += 1
            frames += 1
    assert asked > 20
