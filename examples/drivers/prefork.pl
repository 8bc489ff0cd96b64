#!/usr/bin/perl
# A driver of poolbench (docs/drivers.md): forked workers that take the number of their next task out of a pipe.
use strict; use warnings; no warnings 'portable';    # integers have 64 bits here
use JSON::PP; use Time::HiRes qw(clock_gettime nanosleep CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);

sub ns { int(1e9 * clock_gettime($_[0] // CLOCK_MONOTONIC)) }

# With `use integer` sums and products wrap; the sign that a shift brings down is masked out.
sub mix {
    use integer; my $z = $_[0] + 0x9E3779B97F4A7C15;
    $z = ($z ^ ($z >> 30 & 0x3FFFFFFFF)) * 0xBF58476D1CE4E5B9;
    $z = ($z ^ ($z >> 27 & 0x1FFFFFFFFF)) * 0x94D049BB133111EB;
    return $z ^ ($z >> 31 & 0x1FFFFFFFF);
}
sub combine { use integer; my ($d, $v) = @_; mix(($d << 23 | $d >> 41 & 0x7FFFFF) ^ $v) }

sub spin {
    use integer; my ($s, $steps) = @_;
    $s = ($s ^ ($s >> 29 & 0x7FFFFFFFF)) * 0xD6E8FEB86659FD93 + 0x9E3779B97F4A7C15 for 1 .. $steps;
    return $s;
}

sub execute {    # started, finished, pid, tid, cpu, digest
    my ($kind, $port, $wait, $units, $bytes, $seed) = @{ $_[0] };
    my ($cpu, $started) = (ns(CLOCK_PROCESS_CPUTIME_ID), ns());
    nanosleep($wait) if $wait > 0;
    my $digest = combine(combine(unpack('q', pack 'Q', $seed), length $kind), unpack 'q', pack 'a8', $kind);
    $digest = spin($digest, $units) if $kind eq 'spin';
    return $started, ns(), $$, $$, ns(CLOCK_PROCESS_CPUTIME_ID) - $cpu, unpack 'Q', pack 'q', $digest;
}

sub work {    # of a worker
    my ($tasks, $fused, $next, $put, $finish) = @_;
    while (sysread $next, my $number, 8) {
        my $i = unpack 'Q', $number; syswrite $put, pack 'Q', $i + 1;
        last if $i >= @$tasks;
        my @task = execute($$tasks[$i]);
        syswrite $finish, pack 'Qq5Qq5Q', $i, @task, $fused ? execute($$fused[$i]) : (-1, -1, 0, 0, 0, 0);
    }
    exit;
}

sub run {
    my ($tasks, $callbacks, $strategy, $workers) = @{ $_[0] }{qw(tasks callbacks strategy workers)};
    die "no strategy $strategy\n" unless $strategy =~ /^(none|fused|as_completed)$/;
    $$_[0] =~ /^(sleep|spin)$/ or die "no workload $$_[0]\n" for @$tasks, @$callbacks;
    my ($driver, $starting) = ($$, ns());
    pipe my $next, my $put;    # the number of the next task; who takes it puts the one after it
    pipe my $results, my $finish;
    my @queue = ($tasks, $strategy eq 'fused' && $callbacks, $next, $put, $finish);
    my @workers = map { fork // die || work(@queue) } 1 .. $workers;
    if (!(fork // die)) { 1 while sysread STDIN, my $rest, 4096; kill KILL => $driver, @workers; exit }
    my ($submitted, @rows) = ns(); syswrite $put, pack 'Q', 0;
    for (@$tasks) {
        sysread $results, my $result, 104; my ($i, @row) = unpack 'Qq5Qq5Q', $result;
        @row[6 .. 11] = execute($$callbacks[$i]) if $strategy eq 'as_completed';
        $rows[$i] = [$submitted, @row];
    }
    my $stopping = ns(); waitpid $_, 0 for @workers;
    return { tasks => \@rows, main_pid => $$, submitter_tid => $$, submit_ns => 0,
        pool_start_ns => $submitted - $starting, pool_stop_ns => ns() - $stopping };
}

sub calibrate {
    my ($end, $best) = (ns() + $_[0]{budget_ns}, 0);
    while (ns() < $end) { my $t = ns(); spin(1, 5000); $t = 5000 / (ns() - $t); $best = $t if $t > $best }
    return { spin_steps_per_ns => $best };
}

my %commands = (
    run => \&run, calibrate => \&calibrate, describe => sub {
        { protocol => 1, name => 'workers forked by Perl', language => 'perl', version => sprintf('%vd', $^V),
            strategies => [qw(none fused as_completed)], workloads => [qw(sleep spin)], start_method => 'fork' }
    });
my $question = <STDIN> // exit;
my $answer = eval { my $q = decode_json($question); ($commands{ $$q{command} // '' } // die 'no such command')->($q) };
$| = 1;
print encode_json($answer // { error => $@ =~ s/\s+/ /gr }), "\n";
1 while sysread STDIN, my $rest, 4096;
