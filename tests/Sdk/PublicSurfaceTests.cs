using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk;

/// <summary>
/// What others build on changes only on purpose: whoever changes the surface of the SDK changes PublicSurface.txt too.
/// </summary>
public sealed class PublicSurfaceTests
{
    static readonly NullabilityInfoContext Nullability = new();

    [Fact]
    public void Public_surface_is_the_one_in_the_golden_file()
    {
        var golden = Path.Combine(Path.GetDirectoryName(ThisFile())!, "PublicSurface.txt");
        var surface = Describe(typeof(ConclaveClient).Assembly);
        if (Environment.GetEnvironmentVariable("CONCLAVE_ACCEPT_SURFACE") == "1")
        {
            File.WriteAllText(golden, surface);
        }
        Assert.Equal(File.ReadAllText(golden), surface);
    }

    static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            var kind = type switch
            {
                { IsEnum: true } => "enum",
                { IsValueType: true } => "struct",
                { IsAbstract: true, IsSealed: true } => "static class",
                { IsAbstract: true } => "abstract class",
                { IsSealed: true } => "sealed class",
                _ => "class",
            };
            var parent = type.BaseType is { } ancestor && ancestor.Assembly == assembly ? $" : {ancestor.Name}" : "";
            text.Append(null, $"{kind} {type.FullName}{parent}\n");
            foreach (var line in MembersOf(type).Order(StringComparer.Ordinal))
            {
                text.Append(null, $"    {line}\n");
            }
        }
        return text.ToString();
    }

    static IEnumerable<string> MembersOf(Type type)
    {
        const BindingFlags Declared =
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var constructor in type.GetConstructors(Declared))
        {
            yield return $"new({Parameters(constructor)})";
        }
        foreach (var property in type.GetProperties(Declared))
        {
            var name = Name(property.PropertyType) + Mark(Nullability.Create(property));
            yield return $"{Modifier(property.GetMethod!)}{name} {property.Name} {{ get;{Setter(property)} }}";
        }
        foreach (var field in type.GetFields(Declared).Where(field => !field.IsSpecialName))
        {
            yield return $"const {field.Name} = {field.GetRawConstantValue()}";
        }
        foreach (var method in type.GetMethods(Declared).Where(IsWritten))
        {
            yield return $"{Modifier(method)}{Name(method.ReturnType)} {method.Name}({Parameters(method)})";
        }
    }

    /// <summary>Accessors stand with their properties, and what a record makes by itself says nothing.</summary>
    static bool IsWritten(MethodInfo method) =>
        (!method.IsSpecialName || method.Name.StartsWith("op_Implicit", StringComparison.Ordinal))
        && method.GetCustomAttribute<CompilerGeneratedAttribute>() is null
        && !method.Name.Contains('<', StringComparison.Ordinal);

    static string Modifier(MethodInfo method) => method.IsStatic ? "static " : "";

    static string Setter(PropertyInfo property) => property.SetMethod switch
    {
        null or { IsPublic: false } => "",
        { ReturnParameter: var made } =>
            made.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;",
    };

    static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
    {
        var preset = parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "default"}" : "";
        return $"{Name(parameter.ParameterType)}{Mark(Nullability.Create(parameter))} {parameter.Name}{preset}";
    }));

    /// <summary>What <see cref="Name"/> cannot see: a reference that may be null.</summary>
    static string Mark(NullabilityInfo info) =>
        !info.Type.IsValueType && info.ReadState == NullabilityState.Nullable ? "?" : "";

    static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return $"{Name(value)}?";
        }
        if (!type.IsGenericType)
        {
            return type.Name;
        }
        var name = type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)];
        return $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }

    static string ThisFile([CallerFilePath] string path = "") => path;
}
