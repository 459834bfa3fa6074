# Lipsmith's words in simplified Chinese. The key before the sign, the words behind it.

## Commands
command-new = 新建项目
command-open = 打开…
command-open-sample = 打开示例项目
command-save = 保存
command-save-as = 另存为…
command-import = 导入影片和配音…
command-import-script = 导入台本…
command-export-script = 导出台本…
command-relink = 查找离线媒体…
command-export = 导出影片…
command-talk = 让照片说话…
command-learn = 让网络学习这位演员…
command-quit = 退出
command-undo = 撤销
command-redo = 重做
command-cut = 剪切
command-copy = 复制
command-paste = 粘贴
command-duplicate = 创建副本
command-delete = 删除
command-ripple-delete = 波纹删除
command-select-all = 全选
command-select-none = 取消全选
command-settings = 设置…
command-play = 播放/停止
command-shuttle-back = 向后穿梭
command-shuttle-stop = 停止
command-shuttle-forward = 向前穿梭
command-step-back = 后退一帧
command-step-forward = 前进一帧
command-leap-back = 后退十帧
command-leap-forward = 前进十帧
command-to-start = 转到开头
command-to-end = 转到结尾
command-previous-edit = 转到上一个编辑点
command-next-edit = 转到下一个编辑点
command-play-around = 播放台词前后
command-loop = 循环播放
command-enter-timecode = 转到时间码…
command-mark-in = 标记入点
command-mark-out = 标记出点
command-to-in = 转到入点
command-to-out = 转到出点
command-clear-marks = 清除入点和出点
command-mark-selection = 标记所选范围
command-add-marker = 添加标记
command-next-marker = 转到下一个标记
command-previous-marker = 转到上一个标记
command-split = 在播放头处切开
command-trim-head = 修剪开头到播放头
command-trim-tail = 修剪结尾到播放头
command-ripple-trim-head = 波纹修剪开头到播放头
command-ripple-trim-tail = 波纹修剪结尾到播放头
command-nudge-back = 左移一帧
command-nudge-forward = 右移一帧
command-close-gap = 封闭间隙
command-add-track = 添加配音轨道
command-snap = 吸附
command-zoom-in = 放大
command-zoom-out = 缩小
command-zoom-all = 显示整个序列
command-zoom-selection = 缩放到所选内容
command-new-cue = 新建台词
command-sync-or-leave = 台词对口型/保持原样
command-render = 渲染台词
command-render-draft = 渲染草稿
command-render-all = 渲染所有台词
command-test-frame = 测试此帧
command-cancel-jobs = 取消所有任务
command-place-face = 在此校正人脸
command-track-face = 恢复跟踪
command-set-reference = 将此帧用作参考
command-reference-here = 从此处起以此帧为参考
command-advise = 推荐参考帧
command-clear-references = 清除参考帧
command-score = 评判同步
command-next-worst = 下一句最差的台词
command-nudge-voice = 将声音移至同步
command-next-line = 下一句台词
command-previous-line = 上一句台词
command-next-unsynced = 下一句未渲染的台词
command-show-original = 显示原片
command-take-1 = 选择版本 1
command-take-2 = 选择版本 2
command-take-3 = 选择版本 3
command-take-4 = 选择版本 4
command-take-5 = 选择版本 5
command-take-6 = 选择版本 6
command-take-7 = 选择版本 7
command-take-8 = 选择版本 8
command-take-9 = 选择版本 9
command-comp-take = 入出点之间用另一版本
command-show-dub = 查看配音版
command-show-film = 查看原片
command-flip = 交换 A/B 两侧
command-wipe = 划像对比
command-side-by-side = 并排对比
command-difference = 查看差异
command-matte = 查看遮罩
command-boxes = 人脸框
command-safe-areas = 安全框
command-burn-in = 叠加时间码
command-view-fit = 适合窗口
command-view-one = 画面 1:1
command-view-in = 放大画面
command-view-out = 缩小画面
command-full-screen = 全屏
command-larger = 放大界面
command-smaller = 缩小界面
command-reset-layout = 重置布局
command-manual = 使用手册
command-palette = 查找命令…
command-shortcuts = 键盘快捷键
command-next-language = 下一种语言
command-first-steps = 入门
command-about = 关于 Lipsmith

## Menus
menu-File = 文件
menu-Edit = 编辑
menu-Play = 播放
menu-Mark = 标记
menu-Clip = 片段
menu-Line = 台词
menu-View = 视图
menu-Help = 帮助
menu-recent = 最近的项目

## Panels
panel-media = 媒体
panel-models = 模型
panel-log = 日志
panel-viewer = 监视器
panel-inspector = 检查器
panel-takes = 版本
panel-cues = 台词
panel-jobs = 任务
panel-history = 历史记录
panel-meters = 电平
panel-timeline = 时间线

## Everywhere
untitled = 未命名
track-picture = 画面
track-voice = 语音 { $number }
character-unnamed = 人物 { $number }
close = 关闭
cancel = 取消
ok = 确定
go = 转到
person = 人物
unit-frames = 帧

## Status bar
status-device = 渲染设备
status-saved = 已保存
status-unsaved = 未保存
status-idle = 空闲
status-offline = { $count ->
   *[other] { $count } 个文件离线
}

## Jobs
jobs-empty = 渲染、分析和导出任务显示在这里。
jobs-clear = 清除已完成的任务
job-analyse = 查找人脸：{ $what }
job-render = 渲染：{ $what }
job-test = 测试帧：{ $what }
job-advise = 建议参考帧：{ $what }
job-score = 评判同步：{ $what }
job-export = 导出：{ $what }
job-import-model = 导入权重：{ $what }
job-learn = 用 { $what } 学习
job-talk = 让 { $what } 说话
lesson-curve = 学习曲线
lesson-picture = 网络的画面与真实画面
job-cancel = 取消任务
job-sooner = 提前
job-later = 延后
log-empty = 暂无消息。
meters-volume = 音量

## Viewer
viewer-empty = 将影片拖到这里
drop-to-import = 松开即可导入
viewer-no-picture = 此处没有画面
viewer-loading = 正在载入画面…
viewer-fit = 适合
viewer-side-a = A 侧
viewer-side-b = B 侧
side-dub = 配音版
side-film = 原片
face-is = 这张脸是
face-track-here = 在此恢复跟踪
handle-corner = 人脸的角
handle-move = 移动人脸

## Lines
cues-empty = 还没有台词。请将配音拖到时间线上，或在配音处按 C，或导入台本。
cue-nobody = 未指定
cue-no-text = （无文字）
cue-no-voice = 无配音
cue-text = 台词文字
cue-range = 起 – 止
cue-speaker = 说话人
cue-voice = 配音
cue-treatment = 口型
cue-handles = 余量
treatment-sync = 对口型
treatment-leave = 保持原样
character-rename = 重命名人物
character-name = 人物名称

## How far a line is
state-excluded = 保持原样
state-empty = 未渲染
state-waiting = 等待渲染
state-rendering = 正在渲染
state-failed = 失败
state-draft = 草稿
state-stale = 渲染后有改动
state-lost = 已渲染，但缓存中已不存在
state-rendered = 已渲染

## Takes
takes-no-line = 选择一句台词以查看其版本。
take-name = 版本 { $number }
draft-name = 草稿 { $number }
take-original = 原片画面
take-choose = 使用此版本
take-rename = 版本名称
take-compare = 与配音版划像对比
take-delete = 删除版本
take-rate = { $stars ->
   *[other] { $stars } 星
}
take-tested = 测试帧
take-test-again = 再次测试
comp-how = 在台词内标记入点和出点，其间显示另一版本。
comp-remove = 此处恢复为所选版本

## Inspector
inspector-line = 台词
inspector-clip = 片段
inspector-project = 项目
inspector-method = 方法
inspector-sync = 同步
inspector-reference = 参考帧
inspector-face = 人脸
method-own = 单独设置
method-family = 模型系列
method-preset = 预设
preset-film = 电影
preset-film-hint = 原始帧率、您的参考帧、稳定的噪声
preset-reference = 官方
preset-reference-hint = 与公开的推理脚本完全一致
method-sampler = 采样器
method-steps = 步数
method-inner-every = 完整步间隔
method-inner-every-hint = 每隔若干步才走完整个网络，其间各步沿用它内层的结果。设为 2 约需 0.6 的时间。
method-seed = 种子
method-in-betweens = 中间帧
method-in-betweens-carried = 由相邻帧插补
method-in-betweens-hint = 隔一帧绘制，中间的帧由前后两帧插补：用时减半。只闭合一帧的嘴唇可能会丢失。
method-emphasis = 强调
method-emphasis-hint = 嘴部动作的幅度：减小则含糊，加大则清晰。通常为 100 %。
method-feather = 羽化
method-feather-own = 不用该系列的默认羽化
method-reach = 遮罩
reach-up = 向鼻子的遮罩
reach-side = 向脸颊的遮罩
reach-down = 向下巴的遮罩
method-lacks-weights = 此系列所需的权重尚未安装，请见“模型”面板。
family-lacks-weights = ⚠ 需要权重
pace-film = 接近实时
pace-steady = 每帧不到一秒
pace-slow = 每帧数十秒
reference-auto = 自动选择。
reference-no-speaker = 请先为台词指定人物。
reference-advised = 推荐（由优到次）：
reference-remove = 移除参考帧
sync-well = 同步
sync-roughly = 大致同步
sync-not = 不同步
sync-by = 评判者：{ $judge }。
sync-stale = 此后台词有改动。
sync-unseen = 人脸出现时间太短，无法评判
sync-unjudged = 尚未评判。
sync-no-judge = 未安装可评判同步的部件：请运行 packaging/fetch-face-models（Lipsmith 自带的“耳朵”借面部网格评判），或在“模型”面板中导入 syncnet_v2.model 或 lipsync_expert.pth。
sync-numbers = LSE-D：口型与声音的距离，越低越好。LSE-C：置信度，越高越好。
sync-late = 声音晚了 { $frames } 帧。
sync-early = 声音早了 { $frames } 帧。
clip-media = 文件
clip-track = 轨道
clip-place = 序列位置
clip-source = 文件位置
clip-gain = 增益
clip-fades = 淡化
clip-fade-in = 淡入
clip-fade-out = 淡出
project-name = 项目名称
project-original = 原声
original-mute = 静音
original-duck = 压低
original-keep = 保留

## Media
media-empty = 将影片和配音拖到这里，或导入。
media-offline = 离线
media-lay-down = 再次放到时间线
media-remove = 从项目中移除

## Models
models-import = 导入权重…
models-identify = 这是什么文件？
models-families = 模型系列
models-installed = 已安装的权重
models-none = 无。rewrite 系列不需要权重，只用演员自己的画面。
models-lacks = 需要 { $network }
models-remove = 移除权重
models-unknown = 未知网络

## Dialogs
dialog-choose = 选择文件
palette-hint = 输入要执行的操作
settings-language = 语言
settings-keymap = 键盘
settings-scale = 界面大小
settings-device = 渲染设备
about-version = 版本
about-system = 系统
about-drawing = 绘制
about-data = 数据
about-cache = 缓存
about-copy = 复制报告
about-what = 让演员的口型说出新台词。
export-profile = 格式
export-file = 文件
export-matte = 遮罩影片（可选）
export-range = 范围
export-all = 全部
export-no-marks = 入点到出点（未标记）
export-nothing = 没有可导出的内容，请先导入影片。
export-name-it = 请指定要写入的文件。
export-do = 导出
timecode-field = 时间码
timecode-hint = 1215 表示 12 秒 15 帧；+12 和 -1:00 从当前位置算起；分号表示丢帧。
path-open = 按路径打开
path-photo = 要说话的照片
path-talk = 要生成的影片
path-save = 按路径保存
path-why = 此桌面没有文件对话框，请输入路径。~ 是您的主文件夹。
path-field = 路径
unsaved-title = 继续之前要保存吗？
unsaved-words = “{ $name }”有未保存的更改。
unsaved-save = 保存
unsaved-discard = 不保存
recovery-title = Lipsmith 上次未正常退出
recovery-words = 这些项目有未保存的更改。在您丢弃之前，什么都不会丢失。
recovery-when = { $minutes ->
    [0] 刚刚编辑过
   *[other] { $minutes } 分钟前编辑过
}
recovery-open = 恢复
recovery-discard = 丢弃
recovery-later = 下次再问
first-title = 三步完成配音
first-1 = 将影片拖到窗口上。人物会自动识别；点击人脸即可查看是谁。
first-2 = 拖入配音。它会成为时间线上的一句台词：移到应该说出的位置。
first-3 = 按 Enter。台词在后台渲染；观看，与原片对比，然后导出影片。

## Messages
toast-after-crash = Lipsmith 崩溃后已重新启动。您的编辑已保存到最后一秒。
toast-saved = 项目已保存
toast-exported = 已写入 { $path }：{ $frames } 帧
toast-no-line = 此处没有台词：请选择一句，或按 C 新建。
toast-no-film = 播放头下没有影片。
toast-no-marks = 请先标记入点和出点。
toast-no-picture = 此处没有画面。
toast-no-speaker = 台词没有说话人：请在检查器中指定人物。
toast-some-no-speaker = 没有说话人的台词已跳过：请在检查器中指定人物。
toast-nothing-to-judge = 所有台词均已按现状评判。
toast-judged-first = 先评判台词：完成后请再试一次。
toast-no-nudge = 不知道声音应移动多少：请先评判该台词。
toast-no-voice = 台词没有声音：请放到声音轨并绑定。
toast-faces-first = 仍在查找人脸：完成后请再试一次。
toast-reference-set = 自台词开头起，以此帧为参考
toast-reference-here = 从此处起以此帧为参考
toast-nothing-offline = 没有离线媒体。

## Timeline
timeline-original = 原声
timeline-lines = 台词
timeline-offline = 离线
timeline-clip = 片段 { $name }，{ $from } 至 { $to }
timeline-clip-offline = 片段 { $name }，{ $from } 至 { $to }，文件离线
timeline-cue = 台词 { $from } 至 { $to }，{ $state }：{ $text }
timeline-take = { $name }
timeline-marker = 标记 { $name }，{ $at }
timeline-playhead = 播放头 { $at }
timeline-mute = { $track } 静音
timeline-solo = { $track } 独奏
timeline-lock = 锁定 { $track }
timeline-gain = { $track } 增益
timeline-rename = 名称
timeline-rename-hint = 双击重命名
timeline-face-well = 人脸清晰，可以配音
timeline-face-small = 此处人脸过小
timeline-face-turned = 此处人脸偏转
timeline-face-lost = 此处未找到人脸
timeline-face-none = 不在此镜头中
timeline-cannot-lie = 不能放在此处：画面轨道放影片，配音轨道放有声音的文件。

## Teaching a network an actor
learn-what = 从影片自身的画面和原声学习 { $film } 中出现最多的人。
learn-base = 起点
learn-reach = 学习范围
learn-whole = 整个网络
learn-corrections = 只学小幅修正
learn-steps = 步数
learn-hint = 它在后台长时间运行，会给正在渲染的台词让路，可以停止，再次请求时从原处继续。影片末尾留作评判。结果连同来源和条款一起安装。
learn-do = 开始
