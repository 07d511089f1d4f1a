import Execution
import Testing
import Trials

/// The limits on time, without any.
@Suite struct WorkerWatchTests {
    private func conduct(_ events: [WorkerEvent] = []) throws -> WorkerConduct {
        var conduct = WorkerConduct()
        conduct.asked(TrialRequest(trial: 0, seed: 1, candidate: [:], resource: 100))
        for event in [.hello(.init(pid: 1, environment: [:]))] + events { _ = try conduct.hear(event) }
        return conduct
    }

    private func beat(_ step: Int, _ phase: WorkerEvent.Phase = .training) -> WorkerEvent {
        .heartbeat(trial: 0, attempt: 1, step: step, totalSteps: 100, phase: phase)
    }

    /// Looks once a second; the second at which a reason is given.
    private func end(_ seconds: Int, limits: StudySettings.Limits = .init(), _ events: (Int) -> [WorkerEvent]) throws -> (Int, String)? {
        var (conduct, watch) = (try conduct(), AttemptWatch())
        for second in 1...seconds {
            for event in events(second) { _ = try conduct.hear(event) }
            if let reason = watch.look(at: conduct, after: 1, limits) { return (second, reason) }
        }
        return nil
    }

    @Test func silenceIsAStall() throws {
        let end = try #require(try end(1000) { _ in [] })
        #expect(end.0 == 62 && end.1.contains("stall-seconds"))
    }

    @Test func heartbeatsWithoutAStepAreAStallToo() throws {
        let end = try #require(try end(1000) { _ in [self.beat(3)] })
        #expect(end.0 == 302 && end.1.contains("progress-seconds"))
    }

    @Test func stepsGoOnUntilTheAttemptIsTooLong() throws {
        let end = try #require(try end(1000) { [self.beat($0 / 10)] })
        #expect(end.0 == 601 && end.1.contains("trial-seconds"))
    }

    @Test func waitingForAQuietMachineCountsNowhereButEnds() throws {
        #expect(try end(850) { _ in [self.beat(3, .waiting)] } == nil)
        let end = try #require(try end(2000) { _ in [self.beat(3, .waiting)] })
        #expect(end.0 == 901 && end.1.contains("quiet machine"))
    }

    /// A controller that was stopped, or whose laptop slept, holds nothing against its workers.
    @Test func aControllerThatSleptBlamesNobody() throws {
        var (conduct, watch) = (try conduct(), AttemptWatch())
        #expect(watch.look(at: conduct, after: 1, .init()) == nil)
        for _ in 0..<10 { #expect(watch.look(at: conduct, after: 100_000, .init()) == nil) }
        _ = try conduct.hear(beat(1))
        #expect(watch.look(at: conduct, after: 100_000, .init()) == nil)
    }

    @Test func aLauncherMayQueue() throws {
        var conduct = WorkerConduct()
        conduct.asked(TrialRequest(trial: 0, seed: 1, candidate: [:], resource: 100))
        var limits = StudySettings.Limits()
        limits.startSeconds = 3600
        var watch = AttemptWatch()
        for _ in 0..<3600 { #expect(watch.look(at: conduct, after: 1, limits) == nil) }
        #expect((0..<3).compactMap { _ in watch.look(at: conduct, after: 1, limits) }.first?.contains("start-seconds") == true)
    }
}
