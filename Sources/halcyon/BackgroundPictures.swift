import Dispatch
import Reporting
import Synchronization
import TrialStore

/// A running study's pictures and, where asked for, its curves for TensorBoard, drawn beside its controller, which does not wait for them:
/// of thousands of trials that takes a good part of a second. One drawing at a time; what is asked for meanwhile is left out.
final class BackgroundPictures: Sendable {
    private let report: StudyReport
    private let runs: Mutex<TensorBoardRuns?>
    private let isDrawing = Mutex(false)
    private let group = DispatchGroup()

    /// - Parameter curves: the folder of the curves; nil for none.
    init(_ report: StudyReport, curves: String?) {
        self.report = report
        runs = Mutex(curves.map(TensorBoardRuns.init))
    }

    /// Draws all of it, here and now.
    func draw() throws {
        try report.writePictures()
        try runs.withLock { _ = try $0?.update(from: StudyReader(directory: report.directory)) }
    }

    func drawBeside() {
        let isFree = isDrawing.withLock { isDrawing in
            defer { isDrawing = true }
            return !isDrawing
        }
        guard isFree else { return }
        DispatchQueue.global(qos: .utility).async(group: group) { [self] in
            try? draw()
            isDrawing.withLock { $0 = false }
        }
    }

    /// Waits for a drawing under way.
    func wait() { group.wait() }
}
