using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>The chains of seccomp filters; a filter that several threads share is captured once.</summary>
internal sealed class SeccompCapture
{
    private readonly Dictionary<GuestVirtualAddress, SeccompFilterId> known = [];
    private readonly ImmutableArray<Model.SeccompFilter>.Builder filters = ImmutableArray.CreateBuilder<Model.SeccompFilter>();

    public ImmutableArray<Model.SeccompFilter> Filters => filters.ToImmutable();

    /// <summary>The thread's newest filter; null where it has none.</summary>
    public SeccompFilterId? Capture(TaskStruct thread, string subject, CaptureContext context)
    {
        if (ModeOf(thread) != SeccompMode.Filter || thread.SeccompFilter is not { IsNull: false } newest)
            return null;
        var chain = new Stack<Introspection.Tasks.SeccompFilter>();
        SeccompFilterId? id = null;
        for (var next = new Ptr<Introspection.Tasks.SeccompFilter>(thread.Kernel, newest); next.TryGet(out Introspection.Tasks.SeccompFilter filter); next = filter.Prev)
        {
            if (known.TryGetValue(filter.Address, out SeccompFilterId shared))
            {
                id = shared;
                break;
            }
            if (chain.Count == thread.Kernel.Limits.Depth * thread.Kernel.Limits.Depth)
                throw new Introspection.Kernel.KernelWalkException("seccomp_filter.prev", $"thread {thread.Pid} has more than {chain.Count} filters");
            chain.Push(filter);
        }
        while (chain.TryPop(out Introspection.Tasks.SeccompFilter filter))
            id = Add(filter, id, subject, context);
        return id;
    }

    public static SeccompMode ModeOf(TaskStruct thread) => (SeccompMode)(thread.SeccompMode ?? 0);

    private SeccompFilterId Add(Introspection.Tasks.SeccompFilter filter, SeccompFilterId? previous, string subject, CaptureContext context)
    {
        if (filter.Notif is { IsNull: false })
            context.Refuse(subject, "a seccomp filter whose notifications another process listens to");
        Ptr<ClassicBpfProgram> program = filter.Prog.Value.OrigProg;
        if (program.IsNull)
            context.Refuse(subject, "a seccomp filter whose program the kernel did not keep (it was built without CONFIG_CHECKPOINT_RESTORE)");
        context.Budget.TakeObjects(1);
        var id = new SeccompFilterId((uint)filters.Count);
        filters.Add(new Model.SeccompFilter(program.IsNull ? default : program.Value.Instructions, previous, filter.Log));
        known.Add(filter.Address, id);
        return id;
    }
}
