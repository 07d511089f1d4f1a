/// `Synthetic.Evaluator` as a worker process in another language: the same formula, to the bit.
enum SyntheticWorker {
    static let command = ["perl", "-e", script]

    private static let script = #"""
        use strict; use warnings; $| = 1;
        print qq({"message":"hello","version":1,"pid":$$,"environment":{"host":"here"}}\n);
        while (my $line = <STDIN>) {
            next unless $line =~ /"message":"train"/;
            my ($trial) = $line =~ /"trial":(\d+)/;
            my ($attempt) = $line =~ /"attempt":(\d+)/;
            my ($seed) = $line =~ /"seed":(\d+)/;
            my ($step) = $line =~ /"resource":(\d+)/;
            my ($width) = $line =~ /"width":(\d+)/;
            my ($gain) = $line =~ /"gain":([-+.eE0-9]+)/;
            my $quality = 22 + 3 * $gain + 0.1 * $width * $step / ($step + 100) + ($seed % 97) * 1e-3;
            my $metrics = sprintf('"psnr_db":%.17g', $quality);
            $metrics .= sprintf(',"latency_ms":%d', $width + $attempt) if $line =~ /"latency":\[\]/;
            my $about = qq("trial":$trial,"attempt":$attempt);
            print qq({"message":"started",$about}\n);
            print qq({"message":"checkpoint",$about,"resource":$step,"path":"trials/$trial/checkpoint.h5"}\n);
            print qq({"message":"result",$about,"resource":$step,"points":[{"point":0,"metrics":{$metrics}}]}\n);
        }
        """#
}
