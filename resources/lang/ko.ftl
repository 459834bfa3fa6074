# Lipsmith's words in Korean. The key before the sign, the words behind it.

## Commands
command-new = 새 프로젝트
command-open = 열기…
command-open-sample = 예제 프로젝트 열기
command-save = 저장
command-save-as = 다른 이름으로 저장…
command-import = 영상과 음성 가져오기…
command-import-script = 대본 가져오기…
command-export-script = 대본 내보내기…
command-relink = 오프라인 미디어 찾기…
command-export = 영상 내보내기…
command-talk = 사진을 말하게 하기…
command-learn = 이 배우를 네트워크에 학습시키기…
command-quit = 종료
command-undo = 실행 취소
command-redo = 다시 실행
command-cut = 잘라내기
command-copy = 복사
command-paste = 붙여넣기
command-duplicate = 복제
command-delete = 삭제
command-ripple-delete = 리플 삭제
command-select-all = 모두 선택
command-select-none = 선택 해제
command-settings = 설정…
command-play = 재생/정지
command-shuttle-back = 역방향 셔틀
command-shuttle-stop = 정지
command-shuttle-forward = 정방향 셔틀
command-step-back = 1프레임 뒤로
command-step-forward = 1프레임 앞으로
command-leap-back = 10프레임 뒤로
command-leap-forward = 10프레임 앞으로
command-to-start = 시작으로 이동
command-to-end = 끝으로 이동
command-previous-edit = 이전 편집점으로 이동
command-next-edit = 다음 편집점으로 이동
command-play-around = 대사 전후 재생
command-loop = 반복 재생
command-enter-timecode = 타임코드로 이동…
command-mark-in = 인 점 표시
command-mark-out = 아웃 점 표시
command-to-in = 인 점으로 이동
command-to-out = 아웃 점으로 이동
command-clear-marks = 인/아웃 점 지우기
command-mark-selection = 선택 항목에 인/아웃 표시
command-add-marker = 마커 추가
command-next-marker = 다음 마커로 이동
command-previous-marker = 이전 마커로 이동
command-split = 재생 헤드에서 자르기
command-trim-head = 시작을 재생 헤드까지 트림
command-trim-tail = 끝을 재생 헤드까지 트림
command-ripple-trim-head = 시작을 재생 헤드까지 리플 트림
command-ripple-trim-tail = 끝을 재생 헤드까지 리플 트림
command-nudge-back = 1프레임 왼쪽으로 밀기
command-nudge-forward = 1프레임 오른쪽으로 밀기
command-close-gap = 간격 닫기
command-add-track = 음성 트랙 추가
command-snap = 스냅
command-zoom-in = 확대
command-zoom-out = 축소
command-zoom-all = 시퀀스 전체 보기
command-zoom-selection = 선택 항목 확대
command-new-cue = 새 대사
command-sync-or-leave = 대사 립싱크/그대로 전환
command-render = 대사 렌더링
command-render-draft = 초안 렌더링
command-render-all = 모든 대사 렌더링
command-test-frame = 이 프레임 테스트
command-cancel-jobs = 모든 작업 취소
command-place-face = 여기서 얼굴 위치 고치기
command-track-face = 다시 추적 따르기
command-set-reference = 프레임을 레퍼런스로 사용
command-reference-here = 이 프레임을 여기서부터 기준으로
command-advise = 레퍼런스 추천
command-clear-references = 레퍼런스 지우기
command-score = 싱크 판정
command-next-worst = 다음으로 나쁜 대사
command-nudge-voice = 목소리를 싱크에 맞추기
command-next-line = 다음 대사
command-previous-line = 이전 대사
command-next-unsynced = 다음 미렌더링 대사
command-show-original = 원본 표시
command-take-1 = 테이크 1 선택
command-take-2 = 테이크 2 선택
command-take-3 = 테이크 3 선택
command-take-4 = 테이크 4 선택
command-take-5 = 테이크 5 선택
command-take-6 = 테이크 6 선택
command-take-7 = 테이크 7 선택
command-take-8 = 테이크 8 선택
command-take-9 = 테이크 9 선택
command-comp-take = 인/아웃 사이에 다른 테이크 사용
command-show-dub = 더빙 보기
command-show-film = 원본 보기
command-flip = A/B 바꾸기
command-wipe = 와이프로 비교
command-side-by-side = 나란히 비교
command-difference = 차이 보기
command-matte = 매트 보기
command-boxes = 얼굴 박스
command-safe-areas = 안전 영역
command-burn-in = 타임코드 오버레이
command-view-fit = 화면 맞춤
command-view-one = 화면 1:1
command-view-in = 화면 확대
command-view-out = 화면 축소
command-full-screen = 전체 화면
command-larger = 인터페이스 크게
command-smaller = 인터페이스 작게
command-reset-layout = 레이아웃 초기화
command-manual = 사용 설명서
command-palette = 명령 찾기…
command-shortcuts = 키보드 단축키
command-next-language = 다음 언어
command-first-steps = 첫걸음
command-about = Lipsmith 정보

## Menus
menu-File = 파일
menu-Edit = 편집
menu-Play = 재생
menu-Mark = 표시
menu-Clip = 클립
menu-Line = 대사
menu-View = 보기
menu-Help = 도움말
menu-recent = 최근 프로젝트

## Panels
panel-media = 미디어
panel-models = 모델
panel-log = 로그
panel-viewer = 뷰어
panel-inspector = 인스펙터
panel-takes = 테이크
panel-cues = 대사
panel-jobs = 작업
panel-history = 작업 내역
panel-meters = 레벨
panel-timeline = 타임라인

## Everywhere
untitled = 제목 없음
track-picture = 화면
track-voice = 음성 { $number }
character-unnamed = 인물 { $number }
close = 닫기
cancel = 취소
ok = 확인
go = 이동
person = 인물
unit-frames = 프레임

## Status bar
status-device = 렌더링 장치
status-saved = 저장됨
status-unsaved = 저장 안 됨
status-idle = 대기 중
status-offline = { $count ->
   *[other] 오프라인 파일 { $count }개
}

## Jobs
jobs-empty = 렌더링, 분석, 내보내기가 여기에 표시됩니다.
jobs-clear = 끝난 작업 지우기
job-analyse = 얼굴 찾기: { $what }
job-render = 렌더링: { $what }
job-test = 프레임 테스트: { $what }
job-advise = 참조 제안: { $what }
job-score = 싱크 판정: { $what }
job-export = 내보내기: { $what }
job-import-model = 가중치 가져오기: { $what }
job-learn = { $what }(으)로 학습
job-talk = { $what } 말하게 하기
lesson-curve = 학습 곡선
lesson-picture = 네트워크의 결과와 실제 화면
job-cancel = 작업 취소
job-sooner = 먼저 실행
job-later = 나중에 실행
log-empty = 아직 알림이 없습니다.
meters-volume = 볼륨

## Viewer
viewer-empty = 여기에 영상을 놓으세요
drop-to-import = 놓으면 가져옵니다
viewer-no-picture = 여기에는 화면이 없습니다
viewer-loading = 화면을 불러오는 중…
viewer-fit = 맞춤
viewer-side-a = A면
viewer-side-b = B면
side-dub = 더빙
side-film = 원본
face-is = 이 얼굴은
face-track-here = 여기서 추적 따르기
handle-corner = 얼굴 모서리
handle-move = 얼굴 옮기기

## Lines
cues-empty = 아직 대사가 없습니다. 음성을 타임라인에 놓거나, 음성 위에서 C를 누르거나, 대본을 가져오세요.
cue-nobody = 지정 안 함
cue-no-text = (텍스트 없음)
cue-no-voice = 음성 없음
cue-text = 대사 텍스트
cue-range = 시작 – 끝
cue-speaker = 화자
cue-voice = 음성
cue-treatment = 입 모양
cue-handles = 핸들
treatment-sync = 립싱크
treatment-leave = 그대로
character-rename = 인물 이름 바꾸기
character-name = 인물 이름

## How far a line is
state-excluded = 원본 그대로
state-empty = 렌더링 안 됨
state-waiting = 렌더링 대기 중
state-rendering = 렌더링 중
state-failed = 실패
state-draft = 초안
state-stale = 렌더링 후 변경됨
state-lost = 렌더링했으나 캐시에 없음
state-rendered = 렌더링됨

## Takes
takes-no-line = 대사를 선택하면 테이크가 표시됩니다.
take-name = 테이크 { $number }
draft-name = 초안 { $number }
take-original = 원본 화면
take-choose = 이 테이크 사용
take-rename = 테이크 이름
take-compare = 더빙과 와이프로 비교
take-delete = 테이크 삭제
take-rate = { $stars ->
   *[other] 별 { $stars }개
}
take-tested = 테스트한 프레임
take-test-again = 다시 테스트
comp-how = 대사 안에 인/아웃 점을 표시하면 그 사이에 다른 테이크가 나옵니다.
comp-remove = 여기는 선택한 테이크로 되돌리기

## Inspector
inspector-line = 대사
inspector-clip = 클립
inspector-project = 프로젝트
inspector-method = 방식
inspector-sync = 싱크
inspector-reference = 레퍼런스 프레임
inspector-face = 얼굴
method-own = 이 대사에만
method-family = 계열
method-preset = 프리셋
preset-film = 영화
preset-film-hint = 원본 프레임 레이트, 지정한 레퍼런스 프레임, 고정 노이즈
preset-reference = 공식
preset-reference-hint = 공개된 추론 스크립트 그대로
method-sampler = 샘플러
method-steps = 스텝
method-inner-every = 전체 스텝 간격
method-inner-every-hint = 이 간격의 스텝만 네트워크 전체를 거치고, 그 사이 스텝은 안쪽 단계의 결과를 다시 씁니다. 2이면 시간이 약 0.6배입니다.
method-seed = 시드
method-in-betweens = 중간 프레임
method-in-betweens-carried = 이웃에서 보간
method-in-betweens-hint = 한 프레임 걸러 그리고 그 사이는 양쪽 이웃에서 옮겨 옵니다. 시간이 절반으로 줄지만, 한 프레임 동안만 닫히는 입술은 놓칠 수 있습니다.
method-emphasis = 강조
method-emphasis-hint = 입이 움직이는 정도: 낮추면 웅얼거리고 높이면 또렷해집니다. 보통 100 %.
method-feather = 페더
method-feather-own = 계열 기본값 대신 직접 지정
method-reach = 마스크
reach-up = 코 쪽 마스크
reach-side = 볼 쪽 마스크
reach-down = 턱 쪽 마스크
method-lacks-weights = 이 계열의 가중치가 설치되지 않았습니다. 모델 패널을 보세요.
family-lacks-weights = ⚠ 가중치 필요
pace-film = 거의 실시간
pace-steady = 프레임당 1초 미만
pace-slow = 프레임당 수십 초
reference-auto = 자동으로 선택합니다.
reference-no-speaker = 먼저 대사에 인물을 지정하세요.
reference-advised = 추천(좋은 순):
reference-remove = 레퍼런스 제거
sync-well = 싱크가 맞음
sync-roughly = 대체로 맞음
sync-not = 싱크가 맞지 않음
sync-by = 판정: { $judge }.
sync-stale = 그 뒤로 대사가 바뀌었습니다.
sync-unseen = 얼굴이 보이는 시간이 너무 짧아 판정할 수 없음
sync-unjudged = 아직 판정하지 않았습니다.
sync-no-judge = 싱크를 판정할 것이 설치되어 있지 않습니다. packaging/fetch-face-models를 실행하거나(얼굴 메시로 Lipsmith 자체의 귀가 판정합니다) 모델 패널에서 syncnet_v2.model 또는 lipsync_expert.pth를 가져오세요.
sync-numbers = LSE-D: 입과 소리의 거리, 낮을수록 좋음. LSE-C: 확신도, 높을수록 좋음.
sync-late = 목소리가 { $frames }프레임 늦습니다.
sync-early = 목소리가 { $frames }프레임 이릅니다.
clip-media = 파일
clip-track = 트랙
clip-place = 시퀀스 위치
clip-source = 파일 위치
clip-gain = 게인
clip-fades = 페이드
clip-fade-in = 페이드 인
clip-fade-out = 페이드 아웃
project-name = 프로젝트 이름
project-original = 원본 사운드
original-mute = 음소거
original-duck = 더킹
original-keep = 유지

## Media
media-empty = 영상과 음성을 여기에 놓거나 가져오세요.
media-offline = 오프라인
media-lay-down = 타임라인에 다시 배치
media-remove = 프로젝트에서 제거

## Models
models-import = 가중치 가져오기…
models-identify = 이 파일은 무엇인가요?
models-families = 계열
models-installed = 설치된 가중치
models-none = 없음. rewrite 계열은 가중치 없이 배우 자신의 프레임으로 더빙합니다.
models-lacks = { $network } 필요
models-remove = 가중치 제거
models-unknown = 알 수 없는 네트워크

## Dialogs
dialog-choose = 파일 선택
palette-hint = 하려는 작업을 입력하세요
settings-language = 언어
settings-keymap = 키보드
settings-scale = 인터페이스 크기
settings-device = 렌더링 장치
about-version = 버전
about-system = 시스템
about-drawing = 화면 그리기
about-data = 데이터
about-cache = 캐시
about-copy = 보고서 복사
about-what = 배우의 입술이 새 대사를 말하게 합니다.
export-profile = 형식
export-file = 파일
export-matte = 매트 영상(선택 사항)
export-range = 범위
export-all = 전체
export-no-marks = 인/아웃 구간(표시 없음)
export-nothing = 내보낼 것이 없습니다. 먼저 영상을 가져오세요.
export-name-it = 저장할 파일 이름을 입력하세요.
export-do = 내보내기
timecode-field = 타임코드
timecode-hint = 1215는 12초 15프레임, +12와 -1:00은 현재 위치 기준, 세미콜론은 드롭 프레임입니다.
path-open = 경로로 열기
path-photo = 말하게 할 사진
path-talk = 만들 영화 파일
path-save = 경로로 저장
path-why = 이 데스크톱에는 파일 대화 상자가 없으니 경로를 입력하세요. ~는 홈 폴더입니다.
path-field = 경로
unsaved-title = 계속하기 전에 저장할까요?
unsaved-words = ‘{ $name }’에 저장하지 않은 변경 사항이 있습니다.
unsaved-save = 저장
unsaved-discard = 저장 안 함
recovery-title = 지난번에 Lipsmith가 비정상 종료되었습니다
recovery-words = 이 프로젝트에 저장하지 않은 변경 사항이 있습니다. 버리기 전에는 아무것도 잃지 않습니다.
recovery-when = { $minutes ->
    [0] 방금 편집함
   *[other] { $minutes }분 전에 편집함
}
recovery-open = 복구
recovery-discard = 버리기
recovery-later = 다음에 다시 묻기
first-title = 3단계로 끝내는 첫 더빙
first-1 = 창에 영상을 놓으세요. 인물은 자동으로 찾으며, 얼굴을 클릭하면 누구인지 표시됩니다.
first-2 = 더빙 음성을 놓으세요. 타임라인의 대사가 됩니다. 말할 위치로 옮기세요.
first-3 = Enter를 누르세요. 대사가 백그라운드에서 렌더링됩니다. 확인하고 원본과 비교한 뒤 영상을 내보내세요.

## Messages
toast-after-crash = Lipsmith가 비정상 종료되어 다시 시작되었습니다. 편집 내용은 마지막 1초까지 보존되었습니다.
toast-saved = 프로젝트를 저장했습니다
toast-exported = { $path } 완료: { $frames }프레임
toast-no-line = 여기에 대사가 없습니다. 선택하거나 C를 눌러 만드세요.
toast-no-film = 재생 헤드 아래에 영화가 없습니다.
toast-no-marks = 먼저 인/아웃 점을 표시하세요.
toast-no-picture = 여기에는 화면이 없습니다.
toast-no-speaker = 대사에 화자가 없습니다. 인스펙터에서 인물을 지정하세요.
toast-some-no-speaker = 화자가 없는 대사는 건너뛰었습니다. 인스펙터에서 인물을 지정하세요.
toast-nothing-to-judge = 모든 대사가 현재 상태로 판정되어 있습니다.
toast-judged-first = 먼저 대사를 판정합니다. 끝난 뒤 다시 시도하세요.
toast-no-nudge = 목소리를 얼마나 옮길지 알 수 없습니다. 먼저 대사를 판정하세요.
toast-no-voice = 대사에 목소리가 없습니다. 목소리 트랙에 놓고 연결하세요.
toast-faces-first = 아직 얼굴을 찾는 중입니다. 끝난 뒤 다시 시도하세요.
toast-reference-set = 대사 시작부터 이 프레임을 레퍼런스로 사용합니다
toast-reference-here = 여기서부터 이 프레임이 기준입니다
toast-nothing-offline = 오프라인 미디어가 없습니다.

## Timeline
timeline-original = 원본 사운드
timeline-lines = 대사
timeline-offline = 오프라인
timeline-clip = 클립 { $name }, { $from }~{ $to }
timeline-clip-offline = 클립 { $name }, { $from }~{ $to }, 파일 오프라인
timeline-cue = 대사 { $from }~{ $to }, { $state }: { $text }
timeline-take = { $name }
timeline-marker = 마커 { $name }, { $at }
timeline-playhead = 재생 헤드 { $at }
timeline-mute = { $track } 음소거
timeline-solo = { $track } 솔로
timeline-lock = { $track } 잠금
timeline-gain = { $track } 게인
timeline-rename = 이름
timeline-rename-hint = 두 번 클릭해 이름 바꾸기
timeline-face-well = 얼굴이 잘 보여 더빙할 수 있음
timeline-face-small = 얼굴이 너무 작음
timeline-face-turned = 얼굴이 돌아가 있음
timeline-face-lost = 얼굴을 찾지 못함
timeline-face-none = 이 샷에 없음
timeline-cannot-lie = 여기에 놓을 수 없습니다. 영상은 화면 트랙에, 소리가 있는 파일은 음성 트랙에 놓으세요.

## Teaching a network an actor
learn-what = { $film }에 가장 많이 나오는 사람을 영화의 화면과 원래 음성으로 학습합니다.
learn-base = 시작점
learn-reach = 학습 범위
learn-whole = 네트워크 전체
learn-corrections = 작은 보정만
learn-steps = 단계
learn-hint = 백그라운드에서 오래 실행되며, 렌더링 중인 대사에 양보하고, 중단했다가 다시 요청하면 이어서 진행합니다. 영화의 마지막 부분은 평가용으로 남겨 둡니다. 결과는 출처 및 조건과 함께 설치됩니다.
learn-do = 시작
