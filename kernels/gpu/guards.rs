//! What every kernel's text must be, checked without a device.

use super::kernel::{Access, Kernel, Numbers, Width};
use crate::twins::KERNELS;
use naga::valid::{Capabilities, FunctionInfo, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Block, Expression, Function, MathFunction, Module, Statement, StorageAccess, TypeInner};

/// Functions that drivers compute in single precision or not at all when given an f64.
const TRANSCENDENTAL: &[MathFunction] = &[
    MathFunction::Sin,
    MathFunction::Cos,
    MathFunction::Tan,
    MathFunction::Asin,
    MathFunction::Acos,
    MathFunction::Atan,
    MathFunction::Atan2,
    MathFunction::Sinh,
    MathFunction::Cosh,
    MathFunction::Tanh,
    MathFunction::Asinh,
    MathFunction::Acosh,
    MathFunction::Atanh,
    MathFunction::Exp,
    MathFunction::Exp2,
    MathFunction::Log,
    MathFunction::Log2,
    MathFunction::Pow,
    MathFunction::Radians,
    MathFunction::Degrees,
    MathFunction::Frexp,
];

fn parsed(name: &str, source: &str) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(source)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(source)));
    (module, info)
}

fn forms() -> impl Iterator<Item = (&'static Kernel, Numbers, Module, ModuleInfo)> {
    KERNELS.iter().flat_map(|kernel| {
        kernel.numbers.iter().map(move |&numbers| {
            let (module, info) = parsed(kernel.name, &kernel.source(numbers));
            (kernel, numbers, module, info)
        })
    })
}

/// Names of f64 transcendentals in a module.
fn garbage(module: &Module, info: &ModuleInfo) -> Vec<MathFunction> {
    let of = |f: &Function, fi: &FunctionInfo| -> Vec<MathFunction> {
        let wide = |e: naga::Handle<Expression>| fi[e].ty.inner_with(&module.types).scalar_width() == Some(8);
        let math = f.expressions.iter().filter_map(|(_, e)| match e {
            Expression::Math { fun, arg, .. } if wide(*arg) && TRANSCENDENTAL.contains(fun) => Some(*fun),
            _ => None,
        });
        math.collect()
    };
    let functions = module.functions.iter().flat_map(|(h, f)| of(f, &info[h]));
    let entries = module.entry_points.iter().enumerate().flat_map(|(k, e)| of(&e.function, info.get_entry_point(k)));
    functions.chain(entries).collect()
}

fn has_loop(module: &Module, block: &Block) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Loop { .. } => true,
        Statement::Block(inner) => has_loop(module, inner),
        Statement::If { accept, reject, .. } => has_loop(module, accept) || has_loop(module, reject),
        Statement::Switch { cases, .. } => cases.iter().any(|c| has_loop(module, &c.body)),
        Statement::Call { function, .. } => has_loop(module, &module.functions[*function].body),
        _ => false,
    })
}

#[test]
fn every_kernel_parses_validates_and_binds_in_the_order_of_its_call() {
    for (kernel, numbers, module, info) in forms() {
        let name = format!("{} {} {numbers:?}", kernel.name, kernel.entry);
        let at = module.entry_points.iter().position(|e| e.name == kernel.entry);
        let at = at.unwrap_or_else(|| panic!("{name}: no such entry point"));
        assert_eq!(module.entry_points[at].workgroup_size, [64, 1, 1], "{name}");
        let uses = info.get_entry_point(at);
        let mut bindings: Vec<(u32, &str, Access)> = Vec::new();
        for (handle, variable) in module.global_variables.iter() {
            match variable.space {
                AddressSpace::Storage { access } if !uses[handle].is_empty() => {
                    let binding = variable.binding.expect("storage is bound");
                    assert_eq!(binding.group, 0, "{name}");
                    let kind = if access.contains(StorageAccess::STORE) { Access::Write } else { Access::Read };
                    bindings.push((binding.binding, variable.name.as_deref().unwrap_or_default(), kind));
                }
                AddressSpace::Immediate => {
                    let TypeInner::Struct { members, span } = &module.types[variable.ty].inner else {
                        panic!("{name}: parameters are a struct")
                    };
                    let names: Vec<_> = members.iter().take(2).map(|m| m.name.as_deref().unwrap_or_default()).collect();
                    assert_eq!(names, ["width", "n"], "{name}");
                    assert!(*span <= 128, "{name}: {span} bytes of parameters");
                }
                _ => (),
            }
        }
        bindings.sort_unstable_by_key(|b| b.0);
        let expected: Vec<_> = kernel.bindings.iter().zip(0..).map(|(&(n, a), k)| (k, n, a)).collect();
        assert_eq!(bindings, expected, "{name}");
        assert_eq!(has_loop(&module, &module.entry_points[at].function.body), kernel.loops, "{name}: loops");
    }
}

#[test]
fn no_kernel_takes_a_transcendental_of_a_double() {
    for (kernel, numbers, module, info) in forms() {
        assert_eq!(garbage(&module, &info), [], "{} {numbers:?}", kernel.name);
    }
    // The lint finds what it looks for.
    let bad = "@group(0) @binding(0) var<storage, read_write> x: array<f64>;
        fn angle(y: f64) -> f64 { return atan2(y, 1.0lf); }
        @compute @workgroup_size(64) fn main() { x[0] = angle(x[1]) + sin(x[2]); }";
    let (module, info) = parsed("bad", bad);
    assert_eq!(garbage(&module, &info), [MathFunction::Atan2, MathFunction::Sin]);
}

#[test]
fn single_precision_forms_translate_for_metal_and_hlsl() {
    for (kernel, _, module, info) in forms().filter(|f| f.1 == Numbers::all(Width::F32)) {
        use naga::back::{hlsl, msl};
        let options = msl::Options { lang_version: (2, 4), ..Default::default() };
        let mut metal = msl::Writer::new(String::new());
        metal.write(&module, &info, &options, &Default::default()).unwrap_or_else(|e| panic!("{}: {e}", kernel.name));
        let options = hlsl::Options {
            shader_model: hlsl::ShaderModel::V6_2,
            immediates_target: Some(hlsl::BindTarget::default()),
            ..Default::default()
        };
        let (mut text, all) = (String::new(), hlsl::PipelineOptions::default());
        hlsl::Writer::new(&mut text, &options, &all)
            .write(&module, &info, None)
            .unwrap_or_else(|e| panic!("{}: {e}", kernel.name));
    }
}
