using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine.Events;

namespace Watari.Silo.Tests.Engine.Events;

/// <summary>What is told of two looks at a VM's containers, one after the other.</summary>
public sealed class WatchedVmTests
{
    private static readonly VmId s_vm = new("host-a", "vm-a");
    private static readonly DateTimeOffset s_then = DateTimeOffset.UnixEpoch, s_now = s_then.AddHours(1);

    private readonly WatchedVm _vm = new();

    [Theory]
    [InlineData("", "c", "create")]
    [InlineData("", "c:1", "create start")]
    [InlineData("", "c:1p", "create start pause")]
    [InlineData("c", "c:1", "start")]
    [InlineData("c:1", "c:1p", "pause")]
    [InlineData("c:1p", "c:1", "unpause")]
    [InlineData("c:1", "c x3", "die=3")]
    [InlineData("c:1p", "c x137", "die=137")]
    [InlineData("c:1", "c:2", "die start")]
    [InlineData("c:1p", "c:2", "die start")]
    [InlineData("c:1", "", "die remove")]
    [InlineData("c x3", "", "remove")]
    [InlineData("c x3", "c x3", "")]
    [InlineData("c x3 @1", "c x4 @2", "start die=4")]
    [InlineData("", "c x4 @2", "create start die=4")]
    [InlineData("c:1 #old", "c:1 #new", "rename:old")]
    [InlineData("c:1 #old", "c x0 #new", "rename:old die=0")]
    [InlineData("c:1 d:1", "c:1 d:1p e", "d:pause e:create")]
    public void What_has_changed_is_told_in_order(string before, string now, string told)
    {
        See(before);
        Assert.Equal(told, Text(See(now), told.Contains(':', StringComparison.Ordinal) && told.Contains("d:", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_first_look_tells_what_was_written_down()
    {
        SeenContainer ended = Parse("c x3 @5")[0] with { Created = s_then.AddSeconds(4), Finished = s_then.AddSeconds(9) };
        SeenContainer lives = Parse("d:1 @7")[0] with { Finished = s_then.AddSeconds(1) };

        IReadOnlyList<ContainerEvent> told = See([ended, lives]);

        Assert.Equal("c:create c:start d:start c:die=3", Text(told, withName: true));
        Assert.Equal([4, 5, 7, 9], told.Select(happened => (happened.At - s_then).TotalSeconds));
    }

    [Fact]
    public void An_end_is_told_with_its_code_when_that_is_written_or_without_it_when_it_never_is()
    {
        See("c:1 d:1");
        Assert.Empty(See("c! d!"));
        Assert.True(_vm.IsBehind);
        Assert.Equal("c:die=7", Text(See("c x7 d!"), withName: true));
        Assert.Empty(See(Parse("c x7 d!"), at: s_now.AddSeconds(29)));
        Assert.Equal("d:die", Text(See(Parse("c x7 d!"), at: s_now.AddSeconds(31)), withName: true));
        Assert.False(_vm.IsBehind);
        // What is written at last is of the run that was told.
        Assert.Empty(See("c x7 d! @9"));
        Assert.Empty(See("c x7 d x3 @10"));
        Assert.Equal("d:start d:die=4", Text(See("c x7 d x4 @11"), withName: true));
    }

    [Fact]
    public void What_could_not_be_read_is_not_gone()
    {
        See("c:1 #web d x0 e:1");

        // Of what lives its id alone is known.
        Assert.Equal("e:die", Text(See([Parse("c:1")[0] with { Created = null }], isWhole: false), withName: true));
        Assert.Empty(See("c:1 #web d x0 e x0"));
    }

    [Fact]
    public void What_Watari_works_on_is_told_by_what_comes_of_it()
    {
        See("c:1 d:1 e:1");
        Dictionary<string, Deed> deeds = new() { ["c"] = new Deed(0, IsOver: false), ["d"] = new Deed(0, IsOver: false), ["f"] = new Deed(0, IsOver: false) };
        Assert.Equal("e:pause", Text(See(Parse("c:1p d:1p e:1p f:1p"), deeds: deeds), withName: true));

        deeds = new() { ["c"] = new Deed(0, true, ContainerEventKind.Migrate, "job", s_then), ["d"] = new Deed(0, true, null, "job", s_then), ["f"] = new Deed(0, true, ContainerEventKind.Migrate, "job", s_then) };
        IReadOnlyList<ContainerEvent> told = See(Parse("d:1 e:1p f:1"), deeds: deeds);
        Assert.Equal("c:migrate f:migrate", Text(told, withName: true));
        Assert.All(told, happened => Assert.Equal(("job", s_then), (happened.Job, happened.At)));

        deeds = new() { ["d"] = new Deed(0, true, ContainerEventKind.Checkpoint, "job", s_then) };
        Assert.Equal("d:die=0 d:checkpoint", Text(See(Parse("d x0 e:1p f:1"), deeds: deeds), withName: true));
    }

    [Fact]
    public void What_lived_in_a_VM_that_is_gone_has_ended()
    {
        See("c:1 d x0 e:1p");
        Assert.Equal("c:die e:die", Text(_vm.End(s_vm, s_now), withName: true));
    }

    [Fact]
    public void The_deeds_of_a_job_hold_until_a_look_that_began_after_them()
    {
        var deeds = new Deeds(TimeProvider.System);
        deeds.Begin("vm-a", "c");
        Assert.True(deeds.IsAtWork("vm-a", TimeSpan.FromMinutes(1)));
        Assert.False(deeds.Take("vm-a", "c", long.MaxValue)!.IsOver);
        long early = TimeProvider.System.GetTimestamp();
        deeds.End("vm-a", "c", ContainerEventKind.Migrate, "job");

        Assert.False(deeds.IsAtWork("vm-a", TimeSpan.FromMinutes(1)));
        Assert.True(deeds.HasEnded("vm-a"));
        Assert.False(deeds.Take("vm-a", "c", early)!.IsOver);
        Assert.True(deeds.Take("vm-a", "c", long.MaxValue)!.IsOver);
        Assert.Null(deeds.Take("vm-a", "c", long.MaxValue));
        deeds.End("vm-a", "gone", ContainerEventKind.Migrate, "job");
        deeds.Begin("vm-a", "d");
        deeds.Forget("vm-a", long.MaxValue);
        Assert.False(deeds.HasEnded("vm-a"));
        Assert.True(deeds.IsAtWork("vm-a", TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void A_job_that_never_said_that_it_ended_holds_no_event_for_longer_than_an_hour()
    {
        var clock = new HandSetTime();
        var deeds = new Deeds(clock);
        deeds.Begin("vm-a", "c");
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.NotNull(deeds.Take("vm-a", "c", long.MaxValue));

        clock.Advance(TimeSpan.FromMinutes(2));

        Assert.Null(deeds.Take("vm-a", "c", long.MaxValue));
    }

    [Fact]
    public void What_Watari_did_before_the_first_look_is_told_with_it()
    {
        Dictionary<string, Deed> deeds = new() { ["c"] = new Deed(0, true, ContainerEventKind.Restore, "job", s_then.AddSeconds(3)) };
        Assert.Equal("c:start c:restore d:start", Text(See(Parse("c:1 @2 d:1 @4"), deeds: deeds), withName: true));
    }

    [Fact]
    public void A_ring_keeps_the_last_and_says_what_was_missed()
    {
        var ring = new EventRing(capacity: 3);
        EventsPiece begin = ring.Read(null, null, []);
        ring.Add(Enumerable.Range(0, 5).Select(i => new ContainerEvent(s_then.AddSeconds(i), ContainerEventKind.Start, s_vm, $"{i}", "", "")));

        EventsPiece behind = ring.Read(begin.Next, null, []);
        Assert.Equal((true, true, "2 3 4"), (behind.IsBehind, behind.IsLast, string.Join(' ', behind.Events.Select(happened => happened.Container))));
        Assert.Equal((false, 0), (ring.Read(behind.Next, null, []).IsBehind, ring.Read(behind.Next, null, []).Events.Length));
        Assert.Equal(["3", "4"], ring.Read(null, s_then.AddSeconds(3), []).Events.Select(happened => happened.Container));
        Assert.True(new EventRing().Read(behind.Next, null, []).IsBehind);
    }

    private IReadOnlyList<ContainerEvent> See(string containers) => See(Parse(containers));

    private IReadOnlyList<ContainerEvent> See(IReadOnlyList<SeenContainer> containers, bool isWhole = true, Dictionary<string, Deed>? deeds = null, DateTimeOffset? at = null) =>
        _vm.See(containers.ToDictionary(container => container.Id), isWhole, s_vm, at ?? s_now, container => deeds?.GetValueOrDefault(container));

    /// <summary>c:1 lives its first life, p is paused, ! has ended and that is not written yet; x3 ended with 3, @5 started at, #name.</summary>
    private static List<SeenContainer> Parse(string text)
    {
        List<SeenContainer> containers = [];
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word[0] == 'x') containers[^1] = containers[^1] with { ExitCode = int.Parse(word.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) };
            else if (word[0] == '@') containers[^1] = containers[^1] with { Started = s_then.AddSeconds(int.Parse(word.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture)) };
            else if (word[0] == '#') containers[^1] = containers[^1] with { Name = word[1..] };
            else containers.Add(new SeenContainer(word[..1], word[..1], "podman", null, word.Length > 2 ? (ulong)(word[2] - '0') : null, word.EndsWith('p'), word.EndsWith('!'), null, null, null, null));
        }

        return containers;
    }

    private static string Text(IEnumerable<ContainerEvent> events, bool withName) => string.Join(
        ' ',
        events.Select(happened => (withName ? $"{happened.Container}:" : "") + happened.Kind.ToString().ToLowerInvariant() + (happened.ExitCode is { } code ? $"={code}" : "") + (happened.OldName is { } old ? $":{old}" : "")));
}
