import RandomStreams
import Trials

extension SimulatedWorkers {
    /// Everything that the attempt will say and do, unless something happens to it.
    func plan(_ attempt: Attempt, _ slot: Int, _ own: inout RandomStream) {
        let (request, temper) = (attempt.request, history.temper)
        let (trial, number) = (request.trial, request.attempt)
        func time(_ step: Int) -> Double { attempt.began + Double(step - attempt.from) * attempt.secondsAStep }
        var end = Double.infinity
        if own.flag(probability: temper.deaths) || own.flag(probability: temper.hangs) {
            end = attempt.began + own.uniform() * (time(request.resource) - attempt.began + 0.2)
        }
        let training = SimulatedTraining(history, request)
        let lie = own.flag(probability: temper.lies) ? own.index(below: 4) : -1
        if lie == 0 { end = .infinity }
        func say(_ event: WorkerEvent, at time: Double) {
            guard time < end else { return }
            let arrival = time + own.uniform(0, 0.05)
            deliver(.message(slot: slot, event), slot, at: arrival, sent: time)
            if own.flag(probability: temper.babble) { babble(event, slot, after: arrival, sent: time, &own) }
        }
        say(.started(trial: trial, attempt: number), at: attempt.began)
        if lie == 0 {
            say(.stopped(trial: trial, attempt: number), at: attempt.began + 0.01)
            finish(slot, at: attempt.began + 0.01)
            return
        }
        var step = attempt.from
        while step < request.resource {
            step = min(request.resource, (step / history.interval + 1) * history.interval)
            if let fatal = training.divergence, fatal <= step {
                say(.failed(trial: trial, attempt: number, reason: "diverged", fatal: true), at: time(fatal))
                if time(fatal) < end { return finish(slot, at: time(fatal)) }
                break
            }
            say(.heartbeat(trial: trial, attempt: number, step: step, totalSteps: request.resource, phase: .training), at: time(step))
            say(.measurement(.init(trial: trial, attempt: number, metric: "loss", resource: step, value: 1 / Double(step))), at: time(step))
            guard time(step) < end else { break }
            add(.write(trial: trial, step: step), slot, at: time(step), sent: time(step))
            say(.checkpoint(trial: trial, attempt: number, resource: lie == 1 ? request.resource + 5 : step, path: "/study/trials/\(trial)/checkpoint.h5"), at: time(step) + 0.001)
        }
        let done = time(request.resource) + 0.1
        if end == .infinity || end > done {
            var points = training.points(&own)
            if lie == 2 { points[0].metrics["psnr_db"] = nil }
            for (metric, value) in points[0].metrics.sorted(by: { $0.key < $1.key }) where own.flag() {
                say(.measurement(.init(trial: trial, attempt: number, metric: metric, resource: request.resource, value: value)), at: done - 0.01)
            }
            say(.result(trial: trial, attempt: number, resource: lie == 3 ? request.resource + 1 : request.resource, points: points), at: done)
            finish(slot, at: done)
        } else if own.flag(probability: temper.hangs) {
            die(slot, at: end, told: end + 3)
        } else {
            die(slot, at: end, told: end + own.uniform(0, 0.1))
        }
    }

    /// The same words again, in this slot or in another one, or words about an attempt that never runs or is over.
    private func babble(_ event: WorkerEvent, _ slot: Int, after time: Double, sent: Double, _ own: inout RandomStream) {
        var event = event
        if own.flag(), case .result(let trial, let attempt, let resource, let points) = event {
            let (otherTrial, otherAttempt) = [(trial + 1000, attempt), (trial, attempt + 1000), (trial, attempt - 1)][own.index(below: 3)]
            event = .result(trial: otherTrial, attempt: otherAttempt, resource: resource, points: points)
        }
        let place = own.flag(probability: 0.7) ? slot : own.index(below: slots)
        deliver(.message(slot: place, event), place, at: time + own.uniform(0, 2), sent: sent)
    }
}
