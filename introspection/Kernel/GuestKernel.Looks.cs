using System.Runtime.CompilerServices;

namespace Watari.Introspection.Kernel;

/// <summary>What all walks of one look have in common.</summary>
public sealed partial class GuestKernel
{
    private const int StepsOfError = 1000;

    private readonly Look? _look;

    private GuestKernel(GuestKernel kernel, Look look)
    {
        AddressSpace = kernel.AddressSpace;
        CoreInfo = kernel.CoreInfo;
        Symbols = kernel.Symbols;
        Types = kernel.Types;
        Limits = kernel.Limits;
        Layout = kernel.Layout;
        Pages = kernel.Pages;
        PerCpu = kernel.PerCpu;
        _look = look;
    }

    /// <summary>
    /// The same kernel for one look: all that is reached from it draws from what one look may cost
    /// (<see cref="IntrospectionLimits.LookSteps"/>, <see cref="IntrospectionLimits.LookBytes"/>), and its errors name the members
    /// that led to them, <c>task_struct.mm -> mm_struct.pgd</c>. Walks from a kernel that is not for one look are bounded only
    /// each by itself. <see cref="LiveView"/> and <see cref="StillGuest"/> begin one.
    /// </summary>
    /// <remarks>A look within a look goes on from where that one is.</remarks>
    public GuestKernel BeginLook() => BeginLook(_look?.Trail ?? new PointerTrail());

    /// <summary>A look that remembers its way in this.</summary>
    internal GuestKernel BeginLook(PointerTrail trail)
    {
        Refresh();
        return new GuestKernel(this, new Look(Limits, trail));
    }

    /// <summary>Draws from the steps of the look, if this is for one.</summary>
    /// <exception cref="KernelWalkException">It has none left.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void TakeSteps(long count) => _look?.TakeSteps(count);

    /// <summary>Draws from the bytes that the look may copy, if this is for one; before they are copied.</summary>
    /// <exception cref="KernelWalkException">It has none left.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void TakeBytes(long count) => _look?.TakeBytes(count);

    /// <summary>A member was followed: a pointer, or to a structure or an array in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Follow(GuestVirtualAddress from, GuestVirtualAddress to, int slot) => _look?.Trail.Add(new(from, to, slot, PointerTrail.Pointer.NoNode));

    /// <summary>A pointer was followed that is no member: one of an array or tree.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Follow(GuestVirtualAddress from, GuestVirtualAddress to) => _look?.Trail.Add(new(from, to, PointerTrail.Pointer.Nameless, PointerTrail.Pointer.NoNode));

    /// <summary>A list or tree was followed to the structure in which its node lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void FollowNode<T>(GuestVirtualAddress head, GuestVirtualAddress to, ulong node) where T : struct, IKernelStruct<T> =>
        _look?.Trail.Add(new(head, to, T.Descriptor.FirstSlot, (int)node));

    /// <summary>The error for something that was read at an address and cannot be, with the members that led there.</summary>
    internal KernelWalkException Astray(GuestVirtualAddress at, string member, string reason, Exception? cause = null)
    {
        TakeSteps(StepsOfError); // whoever goes on after errors must not go on for ever
        return new KernelWalkException(_look?.Trail.PathTo(Types, at, member) ?? member, reason, cause);
    }
}
