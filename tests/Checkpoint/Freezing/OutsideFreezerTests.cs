using Watari.Checkpoint.Freezing;

namespace Watari.Checkpoint.Tests.Freezing;

public sealed class OutsideFreezerTests : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private static readonly TaskSelection s_container = new TaskSelection.OfCgroup("/box");
    private readonly ScriptedKernel _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Sleeping_and_running_threads_stand_still_and_others_do_not()
    {
        GuestVirtualAddress[] sleeping = _guest.Process(10, "/box", threads: 2);
        GuestVirtualAddress[] running = _guest.Process(20, "/box/inner", sleeps: false);
        GuestVirtualAddress[] neighbour = [.. _guest.Process(30, "/boxes"), .. _guest.Process(40, "/")];

        FrozenTasks frozen = _guest.Boot().Freezer().Freeze(s_container, s_deadline);

        Assert.Equal([10, 11, 20], frozen.Tasks.Select(task => task.Pid).Order());
        Assert.All([.. sleeping, .. running], task => Assert.True(_guest.IsFrozen(task)));
        Assert.All(neighbour, task => Assert.False(_guest.IsAsked(task)));
    }

    [Fact]
    public void A_process_tree_is_frozen_with_its_descendants()
    {
        GuestVirtualAddress root = _guest.Process(10, "/").Single();
        GuestVirtualAddress child = _guest.Process(11, "/other", parent: root).Single();
        GuestVirtualAddress grandchild = _guest.Process(12, "/", parent: child).Single();
        GuestVirtualAddress stranger = _guest.Process(13, "/").Single();

        FrozenTasks frozen = _guest.Boot().Freezer().Freeze(new TaskSelection.OfProcessTree(10), s_deadline);

        Assert.Equal([10, 11, 12], frozen.Tasks.Select(task => task.Pid).Order());
        Assert.True(_guest.IsFrozen(grandchild));
        Assert.False(_guest.IsAsked(stranger));
    }

    [Fact]
    public void A_thread_that_is_started_meanwhile_is_frozen_too()
    {
        _guest.Process(10, "/box");
        GuestVirtualAddress? late = null;
        _guest.WhenResumed = times => late ??= _guest.Process(20, "/box").Single();

        FrozenTasks frozen = _guest.Boot().Freezer().Freeze(s_container, s_deadline);

        Assert.Equal([10, 20], frozen.Tasks.Select(task => task.Pid).Order());
        Assert.True(_guest.IsFrozen(late!.Value));
    }

    [Fact]
    public void A_task_whose_signal_lock_is_held_is_left_alone_until_it_is_free()
    {
        GuestVirtualAddress task = _guest.Process(10, "/box").Single();
        _guest.HoldSiglock(task, true);
        bool touchedWhileHeld = false;
        _guest.WhenResumed = times =>
        {
            if (times < 3) touchedWhileHeld |= _guest.IsAsked(task);
            else _guest.HoldSiglock(task, false);
        };

        _guest.Boot().Freezer().Freeze(s_container, s_deadline);

        Assert.False(touchedWhileHeld);
        Assert.True(_guest.IsFrozen(task));
    }

    [Fact]
    public void When_one_task_does_not_stand_still_in_time_all_run_on_and_it_is_named()
    {
        GuestVirtualAddress good = _guest.Process(10, "/box").Single();
        GuestVirtualAddress waiting = _guest.Process(20, "/box").Single();
        _guest.Disturb(waiting, state: 2);

        FreezeException failure = Assert.Throws<FreezeException>(() => _guest.Boot().Freezer().Freeze(s_container, TimeSpan.FromMilliseconds(200)));

        Assert.Equal(FreezeFailure.TimedOut, failure.Failure);
        Assert.Contains("20 (task-20, state 0x2)", failure.Message, StringComparison.Ordinal);
        Assert.False(_guest.IsAsked(good) || _guest.IsFrozen(good) || _guest.IsAsked(waiting));
    }

    [Fact]
    public void When_the_hypervisor_fails_in_the_middle_all_run_on()
    {
        GuestVirtualAddress task = _guest.Process(10, "/box").Single();
        bool failed = false;
        _guest.WhenResumed = times =>
        {
            if (failed || times < 1) return;
            failed = true;
            throw new IOException("the monitor is gone");
        };

        Assert.Throws<IOException>(() => _guest.Boot().Freezer().Freeze(s_container, s_deadline));

        Assert.False(_guest.IsAsked(task) || _guest.IsFrozen(task));
    }

    [Fact]
    public void Thawed_tasks_run_on_and_what_the_guest_itself_keeps_frozen_stays_so()
    {
        GuestVirtualAddress task = _guest.Process(10, "/box").Single();
        OutsideFreezer freezer = _guest.Boot().Freezer();
        FrozenTasks frozen = freezer.Freeze(s_container, s_deadline);

        freezer.Thaw(frozen, s_deadline);

        Assert.False(_guest.IsFrozen(task));
        using (StillGuest still = StillGuest.Pause(_guest.Kernel, _guest))
            Assert.Equal(FreezeFailure.NoLongerFrozen, Assert.Throws<FreezeException>(() => frozen.Revalidate(still)).Failure);

        _guest.FreezeInGuest(task);
        _guest.FrozenByGuest = true;
        freezer.Thaw(freezer.Freeze(s_container, s_deadline), s_deadline);
        Assert.True(_guest.IsFrozen(task) && _guest.IsAsked(task));
    }

    [Fact]
    public void What_a_freeze_left_behind_is_let_go_by_whoever_comes_next()
    {
        GuestVirtualAddress asked = _guest.Process(10, "/box").Single();
        GuestVirtualAddress untouched = _guest.Process(20, "/box").Single();
        _guest.Boot().FreezeInGuest(asked);

        _guest.Freezer().Thaw(s_container, s_deadline);

        Assert.False(_guest.IsFrozen(asked) || _guest.IsAsked(asked) || _guest.IsAsked(untouched));
    }

    [Fact]
    public void More_sleepers_than_there_are_slots_are_woken_in_turns()
    {
        GuestVirtualAddress[] threads = _guest.Process(10, "/box", threads: ScriptedKernel.Slots * 3 + 1);
        OutsideFreezer freezer = _guest.Boot().Freezer();

        FrozenTasks frozen = freezer.Freeze(s_container, s_deadline);
        Assert.All(threads, thread => Assert.True(_guest.IsFrozen(thread)));

        freezer.Thaw(frozen, s_deadline);
        Assert.All(threads, thread => Assert.False(_guest.IsFrozen(thread)));
    }

    [Fact]
    public void A_slot_whose_work_still_waits_is_not_used_again()
    {
        GuestVirtualAddress[] threads = _guest.Process(10, "/box", threads: ScriptedKernel.Slots + 1);
        _guest.Tickless.UnionWith([0, 1]);
        _guest.WhenResumed = times =>
        {
            if (times == 5) _guest.Tickless.Clear();
        };

        // The scripted kernel asserts that each work on its lists is whole.
        _guest.Boot().Freezer().Freeze(s_container, s_deadline);

        Assert.All(threads, thread => Assert.True(_guest.IsFrozen(thread)));
    }

    [Fact]
    public void An_idle_guest_is_kicked_and_the_work_waits_where_the_kick_arrives()
    {
        GuestVirtualAddress task = _guest.Process(10, "/box").Single();
        _guest.Tickless.UnionWith([0, 1]);

        _guest.Boot().Freezer(kick: true).Freeze(s_container, s_deadline);

        Assert.True(_guest.IsFrozen(task));
        Assert.InRange(_guest.Kicks, 1, 3);
    }

    [Fact]
    public void Work_goes_to_a_processor_that_is_busy()
    {
        _guest.Process(10, "/box");
        _guest.MakeBusy(0);
        bool onBusyAlone = false;
        _guest.WhenResumed = times => onBusyAlone |= times == 1 && _guest.HasWork(0) && !_guest.HasWork(1);

        _guest.Boot().Freezer().Freeze(s_container, s_deadline);

        Assert.True(onBusyAlone);
    }

    [Fact]
    public void Killed_tasks_end_by_signal_9_without_running_on()
    {
        GuestVirtualAddress[] threads = _guest.Process(10, "/box", threads: 3);
        GuestVirtualAddress neighbour = _guest.Process(20, "/").Single();
        OutsideFreezer freezer = _guest.Boot().Freezer();

        freezer.Kill(freezer.Freeze(s_container, s_deadline), s_deadline);

        Assert.All(threads, thread => Assert.True(_guest.HasExited(thread)));
        Assert.Equal(9, _guest.ExitCodeOf(threads[0]));
        Assert.False(_guest.HasExited(neighbour));
    }

    [Fact]
    public void A_task_that_a_signal_has_stopped_is_ended_like_others()
    {
        GuestVirtualAddress task = _guest.Process(10, "/box").Single();
        OutsideFreezer freezer = _guest.Boot().Freezer();
        FrozenTasks frozen = freezer.Freeze(s_container, s_deadline);
        _guest.Disturb(task, state: 0x104);

        freezer.Kill(frozen, s_deadline);

        Assert.True(_guest.HasExited(task));
        Assert.Equal(9, _guest.ExitCodeOf(task));
    }

    [Fact]
    public void A_task_that_its_tracer_has_stopped_cannot_be_ended_and_nothing_is_touched()
    {
        GuestVirtualAddress task = _guest.Process(10, "/box").Single();
        OutsideFreezer freezer = _guest.Boot().Freezer();
        FrozenTasks frozen = freezer.Freeze(s_container, s_deadline);
        _guest.Disturb(task, state: 8);

        Assert.Equal(FreezeFailure.Unsupported, Assert.Throws<FreezeException>(() => freezer.Kill(frozen, s_deadline)).Failure);

        Assert.Equal(0, _guest.ExitCodeOf(task));
        Assert.True(_guest.IsFrozen(task));
    }

    [Fact]
    public void A_task_that_joins_frozen_ones_invalidates_the_proof()
    {
        _guest.Process(10, "/box");
        FrozenTasks frozen = _guest.Boot().Freezer().Freeze(s_container, s_deadline);
        _guest.FreezeInGuest(_guest.Process(20, "/box").Single());

        using StillGuest still = StillGuest.Pause(_guest.Kernel, _guest);
        FreezeException failure = Assert.Throws<FreezeException>(() => frozen.Revalidate(still));

        Assert.Contains("come [20]", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_there_are_no_tasks_nothing_is_touched()
    {
        GuestVirtualAddress neighbour = _guest.Process(10, "/other").Single();

        FreezeException failure = Assert.Throws<FreezeException>(() => _guest.Boot().Freezer().Freeze(s_container, s_deadline));

        Assert.Equal(FreezeFailure.NoTasks, failure.Failure);
        Assert.False(_guest.IsAsked(neighbour));
    }

    [Fact]
    public void Where_the_bit_of_pending_signals_has_moved_the_kernels_own_code_tells()
    {
        using ScriptedKernel guest = new(signalPending: 1 << 1);
        GuestVirtualAddress[] sleeping = guest.Process(10, "/box", threads: 2);

        guest.Boot().Freezer().Freeze(s_container, s_deadline);

        Assert.All(sleeping, task => Assert.True(guest.IsFrozen(task)));
    }

    [Fact]
    public void A_kernel_whose_code_sets_another_bit_is_refused()
    {
        using ScriptedKernel guest = new(signalPending: 1 << 5);
        guest.Boot();

        FreezeException refusal = Assert.Throws<FreezeException>(() => guest.Freezer());

        Assert.Equal(FreezeFailure.Unsupported, refusal.Failure);
        Assert.Contains("TIF_SIGPENDING", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, false, null, "PREEMPT_RT")]
    [InlineData(false, true, null, "kCFI")]
    [InlineData(false, false, "lazy_list", "no lazy_list")]
    public void A_kernel_that_cannot_be_frozen_from_outside_is_refused_with_the_reason(bool preemptRt, bool kcfi, string? without, string reason)
    {
        using ScriptedKernel guest = new(preemptRt, kcfi, without);
        guest.Boot();

        FreezeException refusal = Assert.Throws<FreezeException>(() => guest.Freezer());

        Assert.Equal(FreezeFailure.Unsupported, refusal.Failure);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, guest.Pauses);
    }
}
